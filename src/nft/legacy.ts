/**
 * Whether zones' packets can come through a filter table of iptables-legacy. An accept of ours ends our own base chain only,
 * so what this table drops is lost. Pure.
 */
import { anyZoneLink } from './layout-model.ts';
import { forwardHookChain } from './names.ts';

/** Which way a zone's packet goes. */
type Direction = 'from' | 'to';
/** `back`: the packet returns to the chain that called this one. */
type Fate = 'accepted' | 'back' | { readonly endedBy: string };

interface LegacyRule {
  readonly text: string;
  readonly target: string;
  readonly isGoto: boolean;
  readonly iif: string | undefined;
  readonly oif: string | undefined;
  readonly source: string | undefined;
  readonly destination: string | undefined;
  /** True with any match that is not looked into. */
  readonly isConditional: boolean;
}

/** iptables writes `vif*` as `vif+`. */
const zoneLinks = anyZoneLink.replace('*', '+');
const token = /"(?:[^"\\]|\\.)*"|\S+/g;

/**
 * What ends a zone's packets there, in iptables' own words: the policy, or the rule. Undefined where they are not certain to
 * end. `lines` as iptables-save writes them; a rule with a condition counts only where every packet of zones meets it,
 * being about all zone links, or about `subnet` as a whole.
 */
export function endOfZoneTraffic(lines: readonly string[], subnet: string | undefined): string | undefined {
  const chains = chainsIn(lines);
  const policy = lines.map((line) => /^:FORWARD (\S+)/.exec(line)?.[1]).find((word) => word !== undefined);
  for (const direction of ['from', 'to'] as const) {
    const fate = fateIn(forwardHookChain, chains, (rule) => isMetByAll(rule, direction, subnet), new Map());
    if (typeof fate === 'object') return fate.endedBy;
    if (fate === 'back' && policy === 'DROP') return `-P ${forwardHookChain} DROP`;
  }
  return undefined;
}

function fateIn(
  name: string,
  chains: ReadonlyMap<string, readonly LegacyRule[]>,
  isMet: (rule: LegacyRule) => boolean,
  known: Map<string, Fate>,
): Fate {
  const before = known.get(name);
  if (before !== undefined) return before;
  // The kernel refuses loops; this only keeps a garbled table from hanging us.
  known.set(name, 'back');
  const fate = fateOf(chains.get(name)?.filter(isMet) ?? [], (target) => fateIn(target, chains, isMet, known), chains);
  known.set(name, fate);
  return fate;
}

function fateOf(
  rules: readonly LegacyRule[],
  follow: (target: string) => Fate,
  chains: ReadonlyMap<string, unknown>,
): Fate {
  for (const { text, target, isGoto } of rules) {
    if (target === 'ACCEPT') return 'accepted';
    if (target === 'DROP' || target === 'REJECT') return { endedBy: text };
    if (target === 'RETURN') return 'back';
    const fate = chains.has(target) ? follow(target) : 'back';
    if (fate !== 'back' || isGoto) return fate;
  }
  return 'back';
}

function isMetByAll(rule: LegacyRule, direction: Direction, subnet: string | undefined): boolean {
  const [own, other] =
    direction === 'from'
      ? [
          [rule.iif, rule.source],
          [rule.oif, rule.destination],
        ]
      : [
          [rule.oif, rule.destination],
          [rule.iif, rule.source],
        ];
  const [link, address] = own;
  const isAboutZones = (link ?? zoneLinks) === zoneLinks && (address === undefined || address === subnet);
  return !rule.isConditional && isAboutZones && other.every((condition) => condition === undefined);
}

function chainsIn(lines: readonly string[]): Map<string, LegacyRule[]> {
  const chains = new Map<string, LegacyRule[]>();
  for (const line of lines) {
    const declared = /^:(\S+) /.exec(line)?.[1];
    if (declared !== undefined) chains.set(declared, []);
    const [verb, chain = '', ...words] = line.match(token) ?? [];
    if (verb === '-A') chains.get(chain)?.push(parseRule(line, words));
  }
  return chains;
}

/** Options of the target come last and decide nothing. */
function parseRule(text: string, words: readonly string[]): LegacyRule {
  const at = words.findIndex((word) => word === '-j' || word === '-g');
  const options = new Map<string, string>();
  let isConditional = false;
  const matches = at < 0 ? words : words.slice(0, at);
  for (let index = 0; index < matches.length; index += 2) {
    const [option = '', value = ''] = matches.slice(index, index + 2);
    options.set(option, value);
    const isKnown = ['-i', '-o', '-s', '-d', '--comment'].includes(option) || (option === '-m' && value === 'comment');
    if (!isKnown) isConditional = true;
  }
  return {
    text,
    target: at < 0 ? '' : (words[at + 1] ?? ''),
    isGoto: words[at] === '-g',
    iif: options.get('-i'),
    oif: options.get('-o'),
    source: options.get('-s'),
    destination: options.get('-d'),
    isConditional,
  };
}
