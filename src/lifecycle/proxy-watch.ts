/**
 * Looks for neighbour proxies that somebody deleted. The kernel announces neither their coming nor their going, so this is
 * the one thing that has to be asked for; how often follows from what asking costs.
 */
import { observeProxies } from '../arp/observe.ts';
import type { Rtnetlink } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import type { Mirror } from './mirror.ts';
import { proxies } from './timing.ts';

/** By ifindex. */
export type LostProxies = ReadonlyMap<number, ReadonlySet<Address>>;

export interface ProxyWatchOptions {
  readonly rtnetlink: Rtnetlink;
  readonly mirror: Mirror;
  /** Changes whenever a pass begins or ends: what was listed meanwhile means nothing. */
  readonly passNumber: () => number;
  readonly missing: (lost: LostProxies) => void;
}

export class ProxyWatch {
  readonly #options: ProxyWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ProxyWatchOptions) {
    this.#options = options;
    this.#wait(proxies.shortestMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(pauseMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(pauseMs, proxies.shortestMs), proxies.longestMs));
    this.#timer.unref();
  }

  #look(): void {
    const { mirror } = this.#options;
    const isIdle = [...mirror.proxies.values()].every((proxies) => proxies.size === 0);
    if (isIdle) this.#wait(proxies.shortestMs);
    else {
      const begun = performance.now();
      // A listing that fails is none of our business: the next pass will say what is wrong with the host.
      const again = () => this.#wait((performance.now() - begun) * proxies.pausePerCost);
      this.#compare().then(again, again);
    }
  }

  async #compare(): Promise<void> {
    const { rtnetlink, mirror, passNumber, missing } = this.#options;
    const before = passNumber();
    const present = await observeProxies(rtnetlink);
    if (this.#stopped || passNumber() !== before) return;
    const lost = new Map<number, ReadonlySet<Address>>();
    for (const [ifindex, wanted] of mirror.proxies) {
      const gone = wanted.difference(present.get(ifindex) ?? new Set());
      if (gone.size > 0) lost.set(ifindex, gone);
    }
    if (lost.size > 0) missing(lost);
  }
}
