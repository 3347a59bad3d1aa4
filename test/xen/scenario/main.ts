/** Program, run by dom0's first process: the checks of one boot, as TAP. Its word: which. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { farHost } from '../../lab/addresses.ts';
import { birth, meetEachOther, reach } from './birth.ts';
import { controlApi } from './control-api.ts';
import { Daemon } from './daemon.ts';
import { endings, ends, hotplug } from './endings.ts';
import { hostile } from './hostile.ts';
import type { Lab } from './lab.ts';
import { examples, explains } from './operator.ts';
import { makePlace } from './place.ts';
import { restarts } from './restarts.ts';
import { mustRun, run } from './shell.ts';
import { Stream } from './stream.ts';
import { check, end, inVain, note } from './tap.ts';
import { timedBirth, warmUp } from './timeline.ts';
import { xenstoreWrites } from './xenstore-writes.ts';
import { createZone } from './zone.ts';

const plans = { traffic, life, other };
const planned = z.enum(['traffic', 'life', 'other']).parse(process.argv[2]);
const addresses = {
  one: { name: 'one', ipv4: '10.75.0.3', ipv6: 'fdd4:1476:6c7e::3' },
  two: { name: 'two', ipv4: '10.75.0.4', ipv6: 'fdd4:1476:6c7e::4' },
  web: { name: 'web', ipv4: '10.75.0.9', ipv6: 'fdd4:1476:6c7e::9' },
};
/** README's hotplug script. */
const vifConnected = `#!/bin/sh
case "$1" in online|add) xenstore-write "$XENBUS_PATH/hotplug-status" connected ;; esac
`;

/** Where nobody stands in the daemon's place: five of each of two births, eight of what a zone reaches, three of two zones. */
const failuresOfNothing = 21;

/** The part of Docker's firewall that concerns everybody, in either family. */
const dockerRules = `*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -i docker0 -j ACCEPT
COMMIT
`;

writeFileSync('/etc/xen/scripts/vif-connected', vifConnected);
chmodSync('/etc/xen/scripts/vif-connected', 0o755);
const place = await makePlace(join(import.meta.dirname, 'internet-server.mjs'));
const daemon = new Daemon();
const lab: Lab = { place, daemon };
try {
  await plans[planned]();
  end();
} catch (error) {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  note((await run('sh', ['-c', 'dmesg | tail -n 20; tail -n 20 /var/log/xen/store.log'])).stdout);
}
note(daemon.log);
process.exit();

/** What passes and what does not. */
async function traffic(): Promise<void> {
  await beReady();
  const one = await createZone(addresses.one);
  await birth(lab, one, 'xenstore');
  await one.meet();
  await warmUp(lab);
  const two = await timedBirth(lab, { ...addresses.two, ping: farHost.ipv4 });
  await two.meet();
  await reach(lab, one);
  await meetEachOther(lab, one, two);
  await hostile(lab, one, two);
  await examples(one, two);
  await explains(one);
}

/** How zones, links, directories and the daemon come and go. */
async function life(): Promise<void> {
  await beReady();
  const one = await createZone(addresses.one);
  const silent = await createZone({ ...addresses.web, told: false });
  await daemon.ready(one.link);
  await one.meet();
  await silent.meet();
  await xenstoreWrites(lab, silent, one);
  await controlApi(lab, silent, one);
  const stream = await Stream.start(one);
  await endings(lab, silent);
  await hotplug(lab, one);
  await check(`through all of it ${one.name}'s TCP connection went on, and lost nothing`, async () => {
    note(`${one.name}: ${JSON.stringify(await stream.goOn())}`);
  });
  await restarts(lab, one, stream);
}

/**
 * What may differ with another xenstored, with udev, with a PVH zone, and by xenstored's socket. The zones are there
 * before the daemon: first nobody stands in its place, and the checks must fail.
 */
async function other(): Promise<void> {
  mkdirSync('/etc/edera', { recursive: true });
  writeFileSync('/etc/edera/protect-network.toml', '[zones]\nxenstore = "/run/xenstored/socket"\n');
  const one = await createZone({ ...addresses.one, type: 'pvh' });
  const two = await createZone(addresses.two);
  await one.meet();
  await two.meet();
  const checks = async () => {
    for (const zone of [one, two]) await birth(lab, zone, 'xenstore');
    await reach(lab, one);
    await meetEachOther(lab, one, two);
  };
  await likeDocker();
  const { passed, failed } = await inVain(checks);
  await check(`where no daemon runs, all of ${failed.length} checks fail`, async () => {
    assert.deepEqual({ passed, failed: failed.length }, { passed: [], failed: failuresOfNothing });
  });
  await beReady();
  await checks();
  await ends(lab, one, 'xl destroy of a PVH zone', () => one.destroy());
}

async function beReady(): Promise<void> {
  await likeDocker();
  daemon.start();
  const isReady = await check('the daemon is ready, beside Docker’s firewall', async () => {
    assert.match(await mustRun('iptables', ['-S', 'FORWARD']), /^-P FORWARD DROP$/m);
    await daemon.says(/running: /);
  });
  if (!isReady) throw new Error('without a daemon the rest means nothing');
}

async function likeDocker(): Promise<void> {
  for (const flavour of ['iptables-restore', 'ip6tables-restore']) await mustRun(flavour, [], { input: dockerRules });
}
