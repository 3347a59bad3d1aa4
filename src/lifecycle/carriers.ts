/**
 * In a fleet, zones whose link has no carrier: their guest is not there. Routing daemons go on announcing a route by such a link
 * (BIRD 2 does, FRR does not), so that it is withdrawn after a while, and comes back with the carrier at once.
 */
import type { HostEvent, Link } from '../host/port.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { Mirror } from './mirror.ts';
import { carriers } from './timing.ts';

interface Hooks {
  readonly mirror: Pick<Mirror, 'links' | 'routesOf'>;
  readonly isInFleet: () => boolean;
  /** The link has to be looked at: it has had no carrier for a while (`isSilent`), or has it again. */
  readonly due: (ifindex: number, isSilent: boolean) => void;
}

export class Carriers {
  readonly #hooks: Hooks;
  /** By ifindex: what ends the wait. */
  readonly #waiting = new Map<number, NodeJS.Timeout>();
  readonly #silent = new Set<number>();

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  /** The links, by ifindex, whose routes are withdrawn. */
  get silent(): ReadonlySet<number> {
    return this.#silent;
  }

  heard(event: HostEvent): void {
    if (event.kind !== 'link') return;
    const { link, deleted } = event;
    if (deleted) this.#forget(link.ifindex);
    else if (isZoneLink(link.name)) this.#take(link);
  }

  /** All links are known: those that were without carrier and without route before us stay so. */
  observed(): void {
    const { mirror } = this.#hooks;
    for (const ifindex of [...this.#silent, ...this.#waiting.keys()])
      if (!mirror.links.has(ifindex)) this.#forget(ifindex);
    for (const link of mirror.links.values()) {
      if (!isZoneLink(link.name)) continue;
      const isNew = !this.#waiting.has(link.ifindex) && !this.#silent.has(link.ifindex);
      if (isNew && lacksCarrier(link) && mirror.routesOf(link.ifindex).size === 0 && this.#hooks.isInFleet()) {
        this.#silent.add(link.ifindex);
      } else this.#take(link);
    }
    if (!this.#hooks.isInFleet()) this.stop();
  }

  stop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
    this.#silent.clear();
  }

  #take(link: Link): void {
    const { ifindex } = link;
    if (!lacksCarrier(link)) {
      const wasSilent = this.#silent.has(ifindex);
      this.#forget(ifindex);
      if (wasSilent) this.#hooks.due(ifindex, false);
    } else if (this.#hooks.isInFleet() && !this.#waiting.has(ifindex) && !this.#silent.has(ifindex)) {
      const end = () => {
        this.#waiting.delete(ifindex);
        this.#silent.add(ifindex);
        this.#hooks.due(ifindex, true);
      };
      this.#waiting.set(ifindex, setTimeout(end, carriers.patienceMs).unref());
    }
  }

  #forget(ifindex: number): void {
    clearTimeout(this.#waiting.get(ifindex));
    this.#waiting.delete(ifindex);
    this.#silent.delete(ifindex);
  }
}

/** A link that is down is about to be brought up. */
function lacksCarrier({ up, carrier }: Link): boolean {
  return up && carrier === false;
}
