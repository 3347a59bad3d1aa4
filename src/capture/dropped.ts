/** Which packets of a zone are traced, since they may be dropped, and which of them were. Pure. */
import type { TraceEvent } from '../host/trace.ts';
import { type Address, families, familyOf } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

/** Of each kind of packets in a second: what a trace costs the kernel and who listens is bounded, whatever a zone sends. */
export const tracedPerSecond = 100;

/**
 * The chains that mark packets for the trace: those that come from the link under another address, and those that begin
 * something, either way. What belongs to a connection that passes is not traced.
 */
export function dropChains(link: LinkName, addresses: readonly Address[]): string {
  const few = `limit rate ${tracedPerSecond}/second burst ${tracedPerSecond} packets meta nftrace set 1`;
  const own = families.map((family) => ({
    ip: family === 'ipv4' ? 'ip' : 'ip6',
    family,
    set: `{ ${addresses.filter((address) => familyOf(address) === family).join(', ')} }`,
    isEmpty: addresses.every((address) => familyOf(address) !== family),
  }));
  const forged = own.map(({ ip, family, set, isEmpty }) =>
    isEmpty ? `iifname "${link}" meta nfproto ${family} ${few}` : `iifname "${link}" ${ip} saddr != ${set} ${few}`,
  );
  const begun = [
    `iifname "${link}" ct state { new, invalid, untracked } ${few}`,
    ...own.flatMap(({ ip, set, isEmpty }) =>
      isEmpty ? [] : [`iifname != "${link}" ${ip} daddr ${set} ct state { new, invalid, untracked } ${few}`],
    ),
  ];
  // Ahead of the guard's first look, and right behind connection tracking.
  return [chain('arriving', -451, forged), chain('begun', -199, begun)].join('\n');
}

function chain(name: string, priority: number, rules: readonly string[]): string {
  return ` chain ${name} { type filter hook prerouting priority ${priority};\n${rules.map((rule) => `  ${rule}\n`).join('')} }`;
}

export interface DroppedPacket {
  /** Its headers. */
  readonly data: Buffer;
  /** Who dropped it, e.g. `inet edera forged`. */
  readonly chain: string;
}

/** Packets on their way; more than the limit lets be traced at once have been forgotten by the kernel, too. */
const maxWaiting = 4096;

export class DropWatch {
  readonly #headers = new Map<number, Buffer>();

  /** The packet, where this is its end. */
  heard({ id, chain, verdict, headers }: TraceEvent): DroppedPacket | undefined {
    if (headers !== undefined) this.#remember(id, headers);
    if (verdict !== 'drop') return undefined;
    const data = this.#headers.get(id);
    this.#headers.delete(id);
    return data === undefined ? undefined : { data, chain };
  }

  #remember(id: number, headers: Buffer): void {
    this.#headers.delete(id);
    this.#headers.set(id, headers);
    const oldest = this.#headers.keys().next().value;
    if (this.#headers.size > maxWaiting && oldest !== undefined) this.#headers.delete(oldest);
  }
}
