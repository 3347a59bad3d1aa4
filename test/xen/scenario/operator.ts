/** What an operator of dom0 types: the documented examples, and `explain`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { farHost } from '../../lab/addresses.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { documentedFile, documentedTitles } from './documented-file.ts';
import { mustRun, run } from './shell.ts';
import { check } from './tap.ts';
import { patience, type Zone } from './zone.ts';

const documented = z.record(z.string(), z.string());

/** The documentation speaks of vif7.0 and vif8.0: here `one` and `two`. */
export async function examples(one: Zone, two: Zone): Promise<void> {
  const texts = documented.parse(JSON.parse(readFileSync(documentedFile, 'utf8')));
  const type = async (title: string) => {
    const text = texts[title]?.replaceAll('vif7.0', one.link).replaceAll('vif8.0', two.link);
    if (text === undefined) throw new Error(`not documented: ${title}`);
    await mustRun('sh', ['-e', '-c', text]);
  };
  await example(documentedTitles.noMail, type, async () => {
    assert.equal(await one.tcp(farHost.ipv4, 25), '');
    assert.equal(await one.tcp(farHost.ipv6, 25), '');
    assert.equal(await one.tcp(farHost.ipv4, 443), 'spoken');
    assert.equal(await two.tcp(farHost.ipv4, 25), 'spoken');
  });
  await example(documentedTitles.opensOnly, type, async () => {
    assert.equal(await one.tcp(farHost.ipv4, 443), 'spoken');
    assert.equal(await one.udp(farHost.ipv4, 53), 'spoken');
    assert.equal(await one.tcp(farHost.ipv4, 80), '');
    assert.equal(await two.tcp(farHost.ipv4, 80), 'spoken');
  });
  await example(documentedTitles.onlyZones, type, async () => {
    await two.must('nc.openbsd -k -l -p 99 >/tmp/heard 2>&1 & sleep 0.5');
    const outside = ['netns', 'exec', 'internet', 'nc', '-z', '-w', '3', two.ipv4, '99'];
    assert.notEqual((await run('ip', outside)).exitCode, 0);
    assert.equal((await one.exec(`nc.openbsd -z -w 5 ${two.ipv4} 99`)).exitCode, 0);
    await mustRun('iptables', ['-F', 'EDERA-USER']);
    assert.equal((await run('ip', outside)).exitCode, 0);
    await two.exec('killall nc.openbsd');
  });
}

async function example(
  title: string,
  type: (title: string) => Promise<void>,
  judge: () => Promise<void>,
): Promise<void> {
  await check(`documented: ${title}`, async () => {
    try {
      await type(title);
      await judge();
    } finally {
      for (const flavour of ['iptables', 'ip6tables']) await mustRun(flavour, ['-F', 'EDERA-USER']);
    }
  });
}

export async function explains(zone: Zone): Promise<void> {
  await check('explain names the rule that somebody broke it by, and the fix', async () => {
    await mustRun('iptables', ['-I', 'FORWARD', '-s', `${zone.ipv4}/32`, '-p', 'tcp', '--dport', '80', '-j', 'DROP']);
    assert.equal(await zone.tcp(farHost.ipv4, 80), '');
    const { stdout, exitCode } = await run('protect-network', ['explain', zone.link, '--to', `${farHost.ipv4}:80`]);
    assert.equal(exitCode, 1);
    const fixes = [...stdout.matchAll(/fix: (nft insert rule ip filter FORWARD handle \d+ .* accept)\n/g)];
    assert.ok(fixes.length > 0, stdout);
    for (const [, command = ''] of fixes) await mustRun('sh', ['-c', command]);
    await waitFor(async () => (await zone.tcp(farHost.ipv4, 80)) === 'spoken', {
      what: 'the way to be open',
      ...patience,
    });
  });
}
