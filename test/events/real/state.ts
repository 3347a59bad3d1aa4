/** The state of a real kernel: in the fake's words for the oracle, and in its tools' own for the comparison of what is others'. */

import type { NftObject } from '../../../src/host/port.ts';
import { protocolName, tableName } from '../../../src/host/route-numbers.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { routeType } from '../../lab/host.ts';
import { maskNft } from '../../lab/nft-mask.ts';
import type { Kernel } from './kernel.ts';

/** As `FakeHost.render` would tell it. */
export async function stateText(kernel: Kernel): Promise<string> {
  const [links, routes4, routes6, proxies, ruleset] = await Promise.all([
    kernel.list('ip', '-j', 'link', 'show'),
    kernel.list('ip', '-j', '-N', '-4', 'route', 'show', 'table', 'all'),
    kernel.list('ip', '-j', '-N', '-6', 'route', 'show', 'table', 'all'),
    kernel.list('ip', '-j', '-N', '-6', 'neigh', 'show', 'proxy'),
    kernel.tool('nft', '-j', 'list', 'ruleset'),
  ]);
  const names = links.map(({ ifname }) => String(ifname));
  const sysctls = await kernel.sysctlLines(['all', ...names.filter((name) => name !== 'lo')]);
  const nft = new FakeHost();
  nft.loadRuleset(JSON.parse(ruleset));
  return [
    ...links.map(linkLine),
    ...[...routes4, ...routes6].map(routeLine).sort(),
    ...proxies.map(({ dst, dev, protocol }) => `proxy ${dst} dev ${dev} proto ${protocol ?? 'unspec'}`).sort(),
    ...sysctls.map((line) => `sysctl ${line.replace('/proc/sys/', '').replace('=', ' = ')}`),
    ...nft.nft.render(),
  ].join('\n');
}

function linkLine({ ifindex, ifname, flags }: Record<string, unknown>): string {
  return `link ${ifindex} ${ifname} ${Array.isArray(flags) && flags.includes('UP') ? 'up' : 'down'}`;
}

function routeLine({ type, dst, dev, table, protocol }: Record<string, unknown>): string {
  const name = routeType(String(type ?? 'unicast'));
  const kind = name === 'unicast' ? '' : `${name} `;
  const device = dev === undefined ? '' : ` dev ${dev}`;
  const place = table === undefined ? '' : ` table ${tableName(Number(table))}`;
  return `route ${kind}${dst}${device}${place} proto ${protocolName(Number(protocol))}`;
}

export interface Others {
  /** Rules by `family table chain`, in order; everything else of nft's by itself. */
  readonly objects: readonly string[];
  readonly rest: readonly string[];
}

/** Everything that is not ours, as its tools print it. */
export async function stateOfOthers(kernel: Kernel): Promise<Others> {
  const [ruleset, sysctls, ...texts] = await Promise.all([
    kernel.tool('nft', '-j', 'list', 'ruleset'),
    kernel.sysctlLines(['all', 'default', 'eth0']),
    kernel.tool('ip', '-N', '-4', 'route', 'show', 'table', 'all'),
    kernel.tool('ip', '-N', '-6', 'route', 'show', 'table', 'all'),
    kernel.tool('ip', '-4', 'rule'),
    kernel.tool('ip', '-6', 'rule'),
    kernel.tool('ip', '-N', '-6', 'neigh', 'show', 'proxy'),
    kernel.tool('ip', '-o', 'address', 'show', 'dev', 'eth0'),
    kernel.tool('iptables-nft-save'),
    kernel.tool('ip6tables-nft-save'),
  ]);
  const objects: NftObject[] = JSON.parse(ruleset).nftables;
  const lines = texts.flatMap((text) => text.split('\n')).map((line) => line.replace(/^\d+: eth0/, 'eth0').trimEnd());
  return {
    objects: maskNft(objects.filter((object) => !isOurs(object))).map((object) => JSON.stringify(object)),
    rest: [...lines.filter(isOfOthers), ...sysctls.filter((line) => !isTurnedAlong(line)).sort()],
  };
}

/** What a daemon makes where nobody else has: the chain our jump stands in, and its table. */
export function isMadeForOthers(object: string): boolean {
  return /"table":\{"family":"ip6?","name":"filter"|"chain":\{"family":"ip6?","table":"filter","name":"FORWARD"/.test(
    object,
  );
}

function isOurs(object: NftObject): boolean {
  const text = JSON.stringify(object);
  return /"(table|name)":"edera(-reverse-path)?"|EDERA-/.test(text);
}

/** `-A` of iptables-save; its heads name tables and chains, which are compared as nft's objects. */
function isOfOthers(line: string): boolean {
  return !/^$|^[#:*]|^COMMIT$|EDERA-| vif|dev tap0| proto 75/.test(line);
}

/** The kernel turns these with forwarding, for all links; the last is one of the switches that the daemon turns on. */
function isTurnedAlong(line: string): boolean {
  return /\/(mc_)?forwarding=|\/conf\/all\/accept_redirects=/.test(line);
}
