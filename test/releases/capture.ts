/**
 * `capture.ts` writes what the tools of each release say of one and the same host to test/fixtures/<release>: answers to
 * all that the daemon asks. `capture.ts SUITE` does it for the tools that are here now.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { farHost } from '../lab/addresses.ts';
import { addBridge, takeIntoBridge } from '../lab/bridge.ts';
import { mustRun } from '../lab/command.ts';
import { ping } from '../lab/ping.ts';
import { repository } from '../lab/program.ts';
import { addServedZone, untilForgotten, untilState } from '../lab/served.ts';
import { type World, withWorld } from '../lab/world.ts';
import { releases } from './releases.ts';

const withTools = join(import.meta.dirname, 'with-tools.ts');
const timeoutMs = 300_000;

const [suite] = process.argv.slice(2);
if (suite === undefined) {
  await mustRun(process.execPath, [import.meta.filename, await ownRelease()], { timeoutMs });
  for (const release of releases) {
    const capture = [process.execPath, import.meta.filename, release.suite];
    await mustRun(process.execPath, [withTools, release.suite, ...capture], { timeoutMs });
  }
} else {
  await captureHere(join(repository, 'test/fixtures', suite));
}

async function ownRelease(): Promise<string> {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  if (codename === undefined) throw new Error('/etc/os-release names no release');
  return codename;
}

async function captureHere(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await withWorld({}, async (world) => {
    const { host } = world;
    await live(world);
    await host.nft('add table ip last');
    const ask = [join(import.meta.dirname, 'capture-answers.ts'), join(directory, 'answers.txt')];
    await host.mustExec(process.execPath, ask);
  });
}

/** A little of everything: zones that come, talk, are renamed and go, and others' routes and rules beside ours. */
async function live(world: World): Promise<void> {
  const { host } = world;
  await host.ip('route add blackhole 203.0.113.0/24', 'route add default via fe80::9 dev uplink0 metric 2048 proto ra');
  await host.ip('route add 203.0.114.0/24 nexthop via 192.0.2.254 nexthop via 192.0.2.253');
  await host.mustExec('iptables', ['-A', 'FORWARD', '-s', '198.51.100.66', '-j', 'DROP']);
  await host.mustExec('ip6tables', ['-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'REJECT']);
  await host.nft(`add table inet others
    add set inet others seen { type ipv4_addr; flags interval, timeout; counter; }
    add element inet others seen { 192.0.2.8/29 timeout 1h }
    add chain inet others ahead { type filter hook forward priority -10; policy accept; }
    add rule inet others ahead ip saddr @seen tcp dport { 22, 80-90 } log prefix "no \\"# handle 9\\"" drop comment "x # handle 7"`);
  const daemon = await world.startDaemon({ settings: {} });
  for (const domid of [7, 8, 9]) {
    const zone = await addServedZone(world, daemon, { domid });
    for (const far of [farHost.ipv4, farHost.ipv6]) await ping(zone, far);
  }
  await host.ip('link set vif9.0 down', 'link set vif9.0 name vif10.0', 'link del vif10.0');
  await untilForgotten(daemon, 'vif9.0');
  await world.removeZoneFile('vif9.0');
  await addBridge(host);
  await takeIntoBridge(host, 'vif8.0');
  await untilState(daemon, 'vif8.0', 'taken');
}
