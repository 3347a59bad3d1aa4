/** One host that is broken in one known way: how, how it is mended, and what `explain` must name. */
import type { Verdict } from '../../src/explain/step.ts';
import { farHost, gateway, hostUplink } from './addresses.ts';
import { udpExchange } from './echo.ts';
import type { Ask } from './explainer.ts';
import type { Namespace } from './namespace.ts';
import { ping } from './ping.ts';
import type { World } from './world.ts';
import type { Zone } from './zone.ts';

export interface Lab {
  readonly world: World;
  /** Served: domains 7 and 8. */
  readonly zones: readonly [Zone, Zone];
  /** Not served, by domain: 9 nobody knows, 10 has an address outside the subnet, 11 claims that of 7. */
  readonly strangers: ReadonlyMap<number, Zone>;
}

export interface Case {
  readonly name: string;
  readonly ask: Ask;
  readonly breakIt: (lab: Lab) => Promise<unknown>;
  readonly mend: (lab: Lab) => Promise<unknown>;
  readonly verdict: Verdict;
  /** Must be in the sentence that says why, or in the rule that it names. */
  readonly names: RegExp;
  /** The commands that are printed are typed: the packet passes then, and that of `stillClosed` does not. */
  readonly isFixed?: { readonly stillClosed?: Ask };
  /** No command may be printed; the details say why. */
  readonly isUnfixable?: RegExp;
  /** What it is about is not on this host: reality may differ from what this host does. */
  readonly beyond?: true;
}

export const toOutside: Ask = { subject: 'vif7.0', to: farHost.ipv4 };
export const toOutside6: Ask = { subject: 'vif7.0', to: farHost.ipv6 };
export const toSibling: Ask = { subject: 'vif7.0', to: '10.75.1.8' };
export const toSibling6: Ask = { subject: 'vif7.0', to: 'fdd4:1476:6c7e::108' };
export const toGateway: Ask = { subject: 'vif7.0', to: gateway.ipv4 };
export const toGateway6: Ask = { subject: 'vif7.0', to: gateway.ipv6 };
export const udpOutside: Ask = { subject: 'vif7.0', to: `${farHost.ipv4}:7000`, udp: true };
export const fromOutside: Ask = { subject: 'vif7.0', from: '192.0.2.2' };

const nothing = async () => undefined;

/** A host as it should be. */
export function healthy(name: string, ask: Ask): Case {
  return { name, ask, breakIt: nothing, mend: nothing, verdict: 'passes', names: /nothing on this host stops it/ };
}

type Expectation = Pick<Case, 'names'> & Partial<Pick<Case, 'verdict' | 'ask' | 'beyond' | 'isFixed'>>;

/** Commands of `ip` on the host, and those that undo them. */
export function byIp(name: string, change: readonly string[], undo: readonly string[], expected: Expectation): Case {
  return {
    name,
    ask: toOutside,
    verdict: 'blocked',
    breakIt: ({ world }) => world.host.ip(...change),
    mend: ({ world }) => world.host.ip(...undo),
    ...expected,
  };
}

/** Sysctls on the host, and what they were before. */
export function bySysctl(name: string, change: Sysctls, undo: Sysctls, expected: Expectation): Case {
  return {
    name,
    ask: toOutside,
    verdict: 'blocked',
    breakIt: ({ world }) => world.host.setSysctls(change),
    mend: ({ world }) => world.host.setSysctls(undo),
    ...expected,
  };
}

type Sysctls = Readonly<Record<string, number>>;

/** A script in nft's language on the host, and one that undoes it. */
export function byNft(name: string, change: string, undo: string, expected: Expectation): Case {
  return {
    name,
    ask: toOutside,
    verdict: 'blocked',
    breakIt: ({ world }) => world.host.nft(change),
    mend: ({ world }) => world.host.nft(undo),
    ...expected,
  };
}

/** A foreign table `inet other` with one chain on a hook, and whatever else stands in it. */
export function byForeignTable(name: string, hook: string, rules: string, expected: Expectation, more = ''): Case {
  const chain = `chain it { type filter hook ${hook}; ${rules}\n }`;
  return byNft(name, `table inet other {\n ${more}\n ${chain}\n }`, 'delete table inet other', expected);
}

/** `iptables-nft`, `ip6tables-nft` or `iptables-legacy`, with the words after the program's name. */
export function byIptables(name: string, tool: string, rule: readonly string[], expected: Expectation): Case {
  const named = rule[0] === '-t' ? 2 : 0;
  const [table, chainAndRule] = [rule.slice(0, named), rule.slice(named)];
  return {
    name,
    ask: toOutside,
    verdict: 'blocked',
    breakIt: ({ world }) => world.host.mustExec(tool, [...table, '-I', ...chainAndRule]),
    mend: ({ world }) => world.host.mustExec(tool, [...table, '-D', ...chainAndRule]),
    ...expected,
  };
}

/** Whether a real packet is answered. */
export async function isAnswered(lab: Lab, ask: Ask): Promise<boolean> {
  const { world, zones } = lab;
  await world.host.exec('conntrack', ['-F']);
  const zone = zoneOf(lab, ask.subject);
  if (ask.from !== undefined) {
    const own = ask.from.includes(':') ? zone.ipv6 : zone.ipv4;
    return echoes(senderOf(lab, ask.from), ask.to ?? String(own), ask.from);
  }
  const to = zones.find(({ link }) => link === ask.to)?.ipv4 ?? ask.to;
  const [, address = '', port] = /^([^[].*?)(?::(\d+))?$/.exec(to ?? '') ?? [];
  if (ask.udp === true) return (await udpExchange(zone, address, Number(port), { timeoutMs: 400 })).ok;
  return echoes(zone, to ?? '');
}

function senderOf({ world, zones }: Lab, address: string): Namespace {
  if (address === hostUplink.ipv4) return world.host;
  return zones.find(({ ipv4, ipv6 }) => [ipv4, ipv6].includes(address)) ?? world.internet;
}

function zoneOf({ zones, strangers }: Lab, subject: string): Zone {
  const zone = [...zones, ...strangers.values()].find(({ link, ipv4 }) => link === subject || ipv4 === subject);
  if (zone === undefined) throw new Error(`no zone ${subject} in the lab`);
  return zone;
}

async function echoes(from: Namespace, to: string, source?: string): Promise<boolean> {
  const options = { count: 2, timeoutMs: 200, intervalMs: 30, ...(source === undefined ? {} : { source }) };
  return (await ping(from, to, options)).received > 0;
}
