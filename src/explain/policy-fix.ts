/** What to write into a policy file so that a zone may do one thing, and no other zone anything. Pure. */
import { familyOf } from '../model/address.ts';
import { zoneName } from '../model/zone-name.ts';
import type { Policy, Selector, Transport } from '../policy/model.ts';
import type { Flow } from '../policy/verdict.ts';
import type { Snapshot } from './snapshot.ts';
import type { ZonePolicy } from './zone-policy.ts';

/** `198.51.100.7:443`, `[2001:db8::7]:123/udp`; undefined for ICMP, of which a rule allows all or nothing. */
export function ruleOf({ address, transport, port }: Flow): string | undefined {
  if (transport === 'icmp') return undefined;
  return portRule(familyOf(address) === 'ipv6' ? `[${address}]` : address, transport, port);
}

export function portRule(host: string, transport: Transport, port: number): string {
  return `${host}:${port}${transport === 'udp' ? '/udp' : ''}`;
}

/**
 * Text to add: to a list that is about this zone alone, or, where others share them all or there is none, a policy of its own, as
 * policies add up. The mode stays what it is.
 */
export function addRule(rule: string, { zone, policies, egress }: ZonePolicy, snapshot: Snapshot): string {
  const own = policies.find((policy) => hasAllow(policy) && isAlone(policy.selector, snapshot));
  if (own !== undefined)
    return `in ${own.place.file}, add as the first entry of egress.allow of the policy in line ${own.place.line}: ${JSON.stringify(rule)},`;
  const file = policies[0]?.place.file ?? '';
  const { link, name } = zone;
  const isUnique = snapshot.zones.filter((each) => each.name === name).length === 1;
  const who =
    name !== undefined && isUnique && zoneName.test(name) && !isPattern(name)
      ? `zones = [${JSON.stringify(name)}]`
      : `links = ["${link}"]`;
  return [
    `at the end of ${file}, add:`,
    '[[policy]]',
    who,
    ...(egress.mode === 'audit' ? ['egress.mode = "audit"'] : []),
    `egress.allow = [${JSON.stringify(rule)}]`,
  ].join('\n');
}

function hasAllow({ egress }: Policy): boolean {
  return egress !== undefined && egress.allow.length > 0;
}

function isAlone({ zones, links, addresses }: Selector, snapshot: Snapshot): boolean {
  const [name, ...others] = zones;
  if (addresses.length > 0 || links.length + zones.length !== 1 || others.length > 0) return false;
  return name === undefined || (!isPattern(name) && snapshot.zones.filter((each) => each.name === name).length === 1);
}

function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}
