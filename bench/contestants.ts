/** Those who wire a zone's link when it appears, each on a host of its own, so that they can be measured in turns. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultAddresses, gateway } from '../test/lab/addresses.ts';
import { destroyNamespaces } from '../test/lab/cleanup.ts';
import { ipBatch, mustRun } from '../test/lab/command.ts';
import { freshNamespaceLines } from '../test/lab/fresh-namespace.ts';
import { placeProgram } from '../test/lab/packaged-program.ts';
import { besideVariable } from '../test/lab/program.ts';
import { pause } from '../test/lab/wait-for.ts';
import { createWorld, type World } from '../test/lab/world.ts';
import { installNetworkd } from '../test/managers/networkd.ts';
import { compile, declare } from './lab.ts';
import { unpackPeers } from './packages.ts';

const all = ['ours', 'other build', 'C program', 'vif-route', 'systemd-networkd', 'CNI ptp'] as const;
export type Name = (typeof all)[number];
/** A launcher: what is measured in turns with this build, where somebody wants that. */
const beside = process.env[besideVariable];
export const names: readonly Name[] = all.filter((name) => name !== 'other build' || beside !== undefined);
/** This build and, where there is one, the other. */
export const builds: readonly Name[] = names.slice(0, names.indexOf('C program'));

/** Their launchers, as the package installs them; this one's is placed below `prefix`. */
export async function launchers(prefix: string): Promise<Map<Name, string>> {
  const ours = await placeProgram(prefix);
  return new Map<Name, string>([['ours', ours], ...(beside === undefined ? [] : [['other build', beside] as const])]);
}

export interface Contestant {
  readonly name: Name;
  readonly world: World;
  /** Has the link of that domain appear. */
  bear(domid: number): Promise<unknown>;
  /** The process that does the work, whose CPU time counts with that of its children; undefined where each link starts one. */
  readonly pid: number | undefined;
  /** An IPv6 address that it answers for by a neighbour proxy, if it does. */
  readonly proxy: string | undefined;
  destroy(): void;
}

/** Ready for the links of `domids` on return. */
export async function contestant(name: Name, domids: readonly number[]): Promise<Contestant> {
  const world = await createWorld();
  try {
    const parts = await starters[name](world, domids);
    const bear = (domid: number) => world.addManyLinks(1, domid);
    return { name, world, bear, pid: undefined, proxy: gateway.ipv6, destroy: () => world.destroy(), ...parts };
  } catch (error) {
    world.destroy();
    throw error;
  }
}

const starters: Record<Name, (world: World, domids: readonly number[]) => Promise<Partial<Contestant>>> = {
  ours: startOf(undefined),
  'other build': startOf(beside),
  'C program': async (world, domids) => {
    // Its tables are ours: the daemon makes them and goes.
    const daemon = await world.startDaemon({ debug: false, deadlineMs: 120_000 });
    await daemon.stop();
    const headers = join(await unpackPeers(), 'usr/include');
    const program = await compile(world, 'wire', [`-I${headers}`, '-l:libnftables.so.1']);
    const process = world.host.spawn(program, [await zonesFile(world, domids)]);
    await process.waitForLine((line) => line === 'ready');
    return { pid: process.pid };
  },
  'vif-route': async (world, domids) => {
    const script = join(await unpackPeers(), 'etc/xen/scripts/vif-route');
    const launch = await compile(world, 'launch');
    const read = await compile(world, 'xenstore-read');
    await mustRun('ln', ['-s', read, join(world.files.directory, 'xenstore-write')]);
    // The script appends to a log of its own. What stands in for xenstore's tools comes last in PATH, where nothing else is.
    const shell = 'mount -t tmpfs tmpfs /var/log && mkdir /var/log/xen && PATH="$PATH:$0" && exec "$@"';
    const command = [launch, await zonesFile(world, domids), script, 'online', 'type_if=vif', 'netdev=uplink0'];
    const process = world.host.spawn('unshare', ['--mount', 'sh', '-c', shell, world.files.directory, ...command]);
    await process.waitForLine((line) => line === 'ready');
    return { pid: process.pid, proxy: undefined };
  },
  'systemd-networkd': async (world, domids) => {
    const files = Object.fromEntries(domids.map((domid) => [`10-${domid}.network`, networkFile(domid)]));
    const networkd = await installNetworkd(world, {
      ...files,
      '05-uplink.network': '[Match]\nName=uplink0\n[Link]\nUnmanaged=yes\n',
    });
    networkd.start();
    await networkd.verdict('uplink0');
    return {};
  },
  'CNI ptp': async (world) => {
    const plugins = join(await unpackPeers(), 'usr/lib/cni');
    const zones: string[] = [];
    return {
      bear: async (domid) => {
        const zone = `${world.prefix}-cni${domid}`;
        await ipBatch(freshNamespaceLines(zone));
        zones.push(zone);
        await pause(50);
        await addByPtp(world, plugins, zone, domid);
      },
      proxy: undefined,
      destroy: () => {
        destroyNamespaces(zones);
        world.destroy();
      },
    };
  },
};

function startOf(
  program: string | undefined,
): (world: World, domids: readonly number[]) => Promise<Partial<Contestant>> {
  return async (world, domids) => {
    await declare(world, domids);
    const daemon = await world.startDaemon({ debug: false, deadlineMs: 120_000, program });
    return { pid: daemon.pid };
  };
}

async function zonesFile(world: World, domids: readonly number[]): Promise<string> {
  const path = join(world.files.directory, 'zones');
  const lines = domids.map((domid) => {
    const { ipv4, ipv6 } = defaultAddresses(domid, 0);
    return `vif${domid}.0 ${ipv4} ${ipv6}\n`;
  });
  await writeFile(path, lines.join(''));
  return path;
}

function networkFile(domid: number): string {
  const { ipv4, ipv6 } = defaultAddresses(domid, 0);
  return `[Match]
Name=vif${domid}.0
[Network]
IPv4ProxyARP=yes
IPv6ProxyNDP=yes
IPv6ProxyNDPAddress=${gateway.ipv6}
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes
[Route]
Destination=${ipv4}/32
[Route]
Destination=${ipv6}/128
`;
}

/** With the masquerade rules that it can make; its link is a new veth, moved to the host. */
async function addByPtp(world: World, plugins: string, zone: string, domid: number): Promise<void> {
  const { ipv4 } = defaultAddresses(domid, 0);
  const subnet = ipv4.replace(/\d+$/, '0/24');
  const ipam = { type: 'host-local', dataDir: join(world.files.directory, 'cni'), ranges: [[{ subnet }]] };
  const input = JSON.stringify({ cniVersion: '0.4.0', name: 'bench', type: 'ptp', ipMasq: true, ipam });
  const variables = [
    'CNI_COMMAND=ADD',
    `CNI_CONTAINERID=zone${domid}`,
    `CNI_NETNS=/run/netns/${zone}`,
    'CNI_IFNAME=eth0',
    `CNI_PATH=${plugins}`,
  ];
  await world.host.mustExec('env', [...variables, join(plugins, 'ptp')], { input });
}
