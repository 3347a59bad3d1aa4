/** Links without a zone behind them, for tests of names and of numbers. */
import { netbackMac } from './addresses.ts';
import { ipBatch } from './command.ts';
import { freshNamespaceLines } from './fresh-namespace.ts';
import { Namespace, sysctlLine } from './namespace.ts';

export interface ManyLinks {
  readonly names: readonly string[];
  /** Deletes them all in one request. */
  remove(): Promise<void>;
}

export async function addLink(prefix: string, host: Namespace, name: string): Promise<void> {
  const peers = await sharedPeers(prefix);
  await peers.ip(...linkLines(host.name, name, nextPeer()));
}

/** In a link group of their own, since `link del group` is one request: one by one, 300 take the kernel seven seconds. */
export async function addManyLinks(
  prefix: string,
  host: Namespace,
  count: number,
  firstDomid: number,
): Promise<ManyLinks> {
  const names = Array.from({ length: count }, (_, index) => `vif${firstDomid + index}.0`);
  const group = nextGroup();
  const peers = await sharedPeers(prefix);
  await peers.ip(...names.flatMap((name) => linkLines(host.name, name, nextPeer(), group)));
  return { names, remove: () => host.ip(`link del group ${group}`) };
}

/** Made in the peers' namespace, so that the host's end is the one that lives elsewhere: both are there at once. */
function linkLines(host: string, name: string, peer: string, group = 0): string[] {
  return [
    `link add ${name} netns ${host} address ${netbackMac} group ${group} type veth peer name ${peer}`,
    `link set ${peer} up`,
  ];
}

const peersByPrefix = new Map<string, Promise<Namespace>>();
let peerCount = 0;
let groupCount = 7500;

function nextPeer(): string {
  peerCount += 1;
  return `peer${peerCount}`;
}

function nextGroup(): number {
  groupCount += 1;
  return groupCount;
}

function sharedPeers(prefix: string): Promise<Namespace> {
  const peers = peersByPrefix.get(prefix) ?? makePeers(prefix);
  peersByPrefix.set(prefix, peers);
  return peers;
}

/** Without IPv6: thousands of peers would solicit at the same time. */
async function makePeers(prefix: string): Promise<Namespace> {
  const peers = new Namespace(`${prefix}-peers`);
  await ipBatch([
    ...freshNamespaceLines(peers.name),
    sysctlLine(peers.name, { 'net/ipv6/conf/default/disable_ipv6': 1 }),
  ]);
  return peers;
}
