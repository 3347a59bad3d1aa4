/** The world around the network namespace that this process runs in, made by the usual tools. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Family } from '../../src/model/address.ts';
import { hostLength, parseAddress } from '../../src/model/address.ts';
import type { World } from './case.ts';

const run = promisify(execFile);
/** RTPROT_STATIC: a host may give numbers other names. */
const staticProtocol = '4';
const dhcpProtocol = '16';
const linksSchema = z.tuple([z.object({ ifindex: z.number() })]);
const routesSchema = z.array(z.object({ dst: z.string(), dev: z.string().optional(), protocol: z.string() }));

/** `peers` is the namespace that holds the other ends of the links. */
export async function realWorld(peers: string): Promise<World> {
  let links = 0;
  let flows = 0;
  await run('ip', ['link', 'set', 'lo', 'up']);
  return {
    async addLink(name) {
      links += 1;
      const peer = `peer${links}`;
      await run('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', peers]);
      await run('ip', ['-n', peers, 'link', 'set', peer, 'up']);
      return ifindexOf(name);
    },
    async addBridge(name) {
      await run('ip', ['link', 'add', name, 'type', 'bridge']);
      return ifindexOf(name);
    },
    async addMacvlan(name, lower) {
      await run('ip', ['link', 'add', 'link', lower, 'name', name, 'type', 'macvlan']);
      return ifindexOf(name);
    },
    async setMaster(name, bridge) {
      await run('ip', ['link', 'set', name, ...(bridge === undefined ? ['nomaster'] : ['master', bridge])]);
    },
    async deleteLink(name) {
      await run('ip', ['link', 'del', name]);
    },
    async setLink(name, state) {
      await run('ip', ['link', 'set', name, state]);
    },
    async renameLink(from, to) {
      await run('ip', ['link', 'set', from, 'name', to]);
    },
    async addRoute(address, device, protocol = 'static') {
      const number = { static: staticProtocol, dhcp: dhcpProtocol }[protocol];
      await run('ip', ['route', 'add', address, 'dev', device, 'proto', number]);
    },
    async addHole(type, address) {
      await run('ip', ['route', 'add', type, address, 'proto', '75']);
    },
    async visitBridge(name) {
      await run('ip', ['link', 'add', 'bridge', 'type', 'bridge']);
      await run('ip', ['link', 'set', name, 'master', 'bridge']);
      await run('ip', ['link', 'set', name, 'nomaster']);
    },
    // In the mount namespace that `ip netns exec` made for this process.
    async leaveStrayFile() {
      await run('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
      await writeFile('/run/netns/stray', '');
    },
    async nameProtocol() {
      await run('mount', ['-t', 'tmpfs', 'tmpfs', '/etc/iproute2']);
      await writeFile('/etc/iproute2/rt_protos', '4\tstatic\n75\tmyproto\n');
    },
    async addDefaultRoute(family, device) {
      await run('ip', [
        family === 'ipv4' ? '-4' : '-6',
        'route',
        'add',
        'default',
        'dev',
        device,
        'proto',
        staticProtocol,
      ]);
    },
    routes: hostRoutes,
    async addProxy(address, device) {
      await run('ip', ['neighbour', 'add', 'proxy', address, 'dev', device]);
    },
    async setQdisc(name, to) {
      const root = ['dev', name, 'root'];
      await run('tc', to === 'none' ? ['qdisc', 'del', ...root] : ['qdisc', 'replace', ...root, 'handle', '1:', 'htb']);
    },
    nft: transact,
    async addFlow({ src, dst, replySrc, replyDst }) {
      flows += 1;
      const ends = ['--src', src, '--dst', dst, '--reply-src', replySrc, '--reply-dst', replyDst];
      const port = String(flows);
      const ports = ['--sport', port, '--dport', '53', '--reply-port-src', '53', '--reply-port-dst', port];
      await run('conntrack', ['--create', '--proto', 'udp', ...ends, ...ports, '--timeout', '60']);
    },
    async flows() {
      const [four, six] = await Promise.all([listFlows('ipv4'), listFlows('ipv6')]);
      return [...four, ...six].sort();
    },
  };
}

async function ifindexOf(name: string): Promise<number> {
  const { stdout } = await run('ip', ['-json', 'link', 'show', 'dev', name]);
  const [link] = linksSchema.parse(JSON.parse(stdout));
  return link.ifindex;
}

async function hostRoutes(family: Family): Promise<string[]> {
  const { stdout } = await run('ip', [family === 'ipv4' ? '-4' : '-6', '-N', '-json', 'route', 'show', 'table', '254']);
  return routesSchema
    .parse(JSON.parse(stdout.trim() === '' ? '[]' : stdout))
    .filter(({ dst }) => parseAddress(dst.replace(`/${hostLength(family)}`, '')) !== undefined)
    .map(({ dst, dev, protocol }) => `${dst} dev ${dev} proto ${protocol === staticProtocol ? 'static' : protocol}`)
    .sort();
}

/** By a file: `nft -f -` opens /dev/stdin, which cannot be opened where it is a socket. */
async function transact(commands: readonly unknown[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'contract-'));
  try {
    const file = join(directory, 'commands.json');
    await writeFile(file, JSON.stringify({ nftables: commands }));
    await run('nft', ['-j', '-f', file]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function listFlows(family: Family): Promise<string[]> {
  const { stdout } = await run('conntrack', ['--dump', '--family', family]);
  return [...stdout.matchAll(/^.*?src=(\S+) dst=(\S+)/gm)].map(([, src, dst]) => `${src} > ${dst}`);
}
