/** What a zone's policies say of one flow, or of a name. Pure; the kernel says the same by `layout-egress.ts`. */
import { type Address, contains } from '../model/address.ts';
import type { AllowRule, DenyRule, PortRule, Transport, ZoneEgress } from './model.ts';
import { matchesPattern } from './pattern.ts';

/** What a zone begins; `port` means nothing of ICMP. */
export interface Flow {
  readonly address: Address;
  readonly transport: Transport | 'icmp';
  readonly port: number;
  /** To dom0 itself. */
  readonly isHost: boolean;
}

/** Addresses of the zones of a name. */
export type ZoneAddresses = (name: string) => readonly Address[];

/** The rule that keeps the zone from an address. */
export function denialOf({ deny }: ZoneEgress, address: Address): DenyRule | undefined {
  return deny.find(({ target }) => target.kind === 'prefix' && contains(target.prefix, address));
}

/** The first rule that allows the flow by its address; names allow what is leased for them. A denial wins over it. */
export function ruleFor({ allow }: ZoneEgress, flow: Flow, addressesOf: ZoneAddresses): AllowRule | undefined {
  return allow.find((rule) =>
    rule.kind === 'icmp' ? flow.transport === 'icmp' : isAbout(rule, flow) && leadsTo(rule, flow, addressesOf),
  );
}

/** The rules that allow a name, which none denies. */
export function nameRules({ allow, deny }: ZoneEgress, name: string): PortRule[] {
  if (nameDenial({ deny }, name) !== undefined) return [];
  return allow.flatMap((rule) =>
    rule.kind === 'ports' && rule.target.kind === 'name' && matchesPattern(rule.target.pattern, name) ? [rule] : [],
  );
}

/** The first of them that allows the flow's transport and port. */
export function nameRuleFor(
  egress: ZoneEgress,
  name: string,
  flow: Pick<Flow, 'transport' | 'port'>,
): PortRule | undefined {
  return nameRules(egress, name).find((rule) => isAbout(rule, flow));
}

export function nameDenial({ deny }: Pick<ZoneEgress, 'deny'>, name: string): DenyRule | undefined {
  return deny.find(({ target }) => target.kind === 'name' && matchesPattern(target.pattern, name));
}

function isAbout({ transport, ports }: PortRule, flow: Pick<Flow, 'transport' | 'port'>): boolean {
  return transport === flow.transport && ports.first <= flow.port && flow.port <= ports.last;
}

/** dom0 itself is not reached by a prefix or a span of ports that happens to hold what is asked: by `host`, or by just that. */
function leadsTo({ target, ports }: PortRule, { address, isHost }: Flow, addressesOf: ZoneAddresses): boolean {
  switch (target.kind) {
    case 'host':
      return isHost;
    case 'zone':
      return addressesOf(target.name).includes(address);
    case 'prefix':
      return (
        contains(target.prefix, address) && (!isHost || (isSingle(target.prefix.text) && ports.first === ports.last))
      );
    case 'name':
      return false;
  }
}

function isSingle(prefix: string): boolean {
  return prefix.endsWith(prefix.includes(':') ? '/128' : '/32');
}
