/**
 * A packet on its way through the hooks: what it is now, what has been seen of it, and which doubts were settled by
 * assumption. Changed in place while one journey is computed, and by nothing else.
 */
import type { Place } from '../rules/chain.ts';
import { type Connection, endpointsOf, type Packet, type Translation, type Zones } from '../rules/packet.ts';
import { type ChainRef, type Hook, type NamedSet, type Rule, refText } from '../rules/ruleset.ts';
import type { View } from '../rules/view.ts';
import type { Facts } from './facts.ts';

/** Something that a chain did to the packet, in order. */
export interface Event {
  readonly hook: Hook;
  readonly chain: ChainRef;
  /** Undefined where the chain's policy spoke. */
  readonly rule: Rule | undefined;
  readonly what: 'accept' | 'drop' | 'reject' | 'mark' | 'notrack' | 'zone' | 'translate' | 'jump';
  readonly text: string;
  /** Where the rule's text does not say it. */
  readonly why?: string;
}

/** A condition that could not be decided. */
export interface Doubt {
  readonly key: string;
  readonly rule: Rule;
  readonly why: string;
}

/** For each doubt, by key: whether its rule is taken to fit. */
export type Assumptions = ReadonlyMap<string, boolean>;

export class Traveller {
  packet: Packet;
  connection: Connection | undefined = undefined;
  untracked = false;
  /** Where connection tracking looks for it, and for its answer. */
  zones: Zones = { original: 0, reply: 0 };
  readonly host: Facts;
  readonly events: Event[] = [];
  /** Doubts without an assumption; their rules were taken not to fit. */
  readonly doubts: Doubt[] = [];
  readonly #assumptions: Assumptions;

  constructor(packet: Packet, host: Facts, assumptions: Assumptions) {
    this.packet = packet;
    this.host = host;
    this.#assumptions = assumptions;
  }

  view(hook: Hook, sets: ReadonlyMap<string, NamedSet>): View {
    const { packet, connection, untracked, host } = this;
    return { packet, connection: untracked ? undefined : connection, untracked, hook, host, sets };
  }

  note(what: Event['what'], rule: Rule, { hook }: Place<Rule>, why?: string): void {
    const chain = { ...rule.ref, name: rule.ref.chain };
    this.events.push({ hook, chain, rule, what, text: rule.text, ...(why !== undefined && { why }) });
  }

  /** What is assumed of a rule whose condition cannot be decided. */
  assume(rule: Rule, { hook }: Place<Rule>, why: string, entry = ''): boolean {
    const key = `${this.packet.reply ? 'reply' : 'request'} ${hook} ${refText(rule.ref)}${entry === '' ? '' : ` ${entry}`}`;
    const assumed = this.#assumptions.get(key);
    if (assumed !== undefined) return assumed;
    if (this.doubts.every((doubt) => doubt.key !== key)) this.doubts.push({ key, rule, why });
    return false;
  }

  /** Begins tracking, as connection tracking does at prerouting and output. */
  track(): void {
    const orphan = this.packet.reply;
    if (this.untracked) return;
    // In another zone it belongs to nothing that is known there.
    if (orphan && this.connection?.orphan === false && this.connection.zones.reply !== this.zones.reply)
      this.connection = undefined;
    if (this.connection !== undefined) return;
    // Without its first packet an echo reply or the second step of TCP's handshake belongs to nothing: invalid.
    if (orphan && this.packet.transport !== 'udp') return;
    const original = endpointsOf(this.packet);
    this.connection = { mark: 0, zones: this.zones, original, destinationNat: undefined, sourceNat: undefined, orphan };
  }

  /** Changes the packet and remembers the translation for the reply. */
  translate(which: 'source' | 'destination', to: Translation): void {
    const { packet, connection } = this;
    if (connection === undefined) return;
    const { address, port } = to;
    if (which === 'destination') {
      this.connection = { ...connection, destinationNat: to };
      this.packet = {
        ...packet,
        destination: address ?? packet.destination,
        destinationPort: port ?? packet.destinationPort,
      };
    } else {
      this.connection = { ...connection, sourceNat: to };
      this.packet = { ...packet, source: address ?? packet.source, sourcePort: port };
    }
  }
}
