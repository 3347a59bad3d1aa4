/** One lease: what of a zone's is open for a while, and where the kernel holds it. */
import type { SetRef } from '../host/nft-command.ts';
import { type Address, families } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { flowKey } from '../nft/access.ts';
import { egressKeyType, egressSets, ownTable } from '../nft/names.ts';
import type { PortRule, Transport } from '../policy/model.ts';

export interface Lease {
  readonly name: string;
  readonly address: Address;
  readonly transport: Transport;
  readonly port: number;
  /** performance.now() milliseconds. */
  readonly until: number;
  /** When a zone asked for the name, or was seen to use the address, last. */
  readonly usedAt: number;
}

export const leasedSets = families.map((family) => {
  const set: SetRef = { family: ownTable.family, table: ownTable.name, set: egressSets[family].leased };
  return { family, set, type: egressKeyType(family) };
});

/** By all `rules` to one address, port by port. */
export function leasesOf(name: string, address: Address, rules: readonly PortRule[], until: number): Lease[] {
  const usedAt = performance.now();
  return rules.flatMap(({ transport, ports }) =>
    Array.from({ length: ports.last - ports.first + 1 }, (_, index) => {
      return { name, address, transport, port: ports.first + index, until, usedAt };
    }),
  );
}

/** In `Leases` and in the kernel alike. */
export function keyOf(link: LinkName, { address, transport, port }: Lease): string {
  return flowKey(link, address, transport, port);
}
