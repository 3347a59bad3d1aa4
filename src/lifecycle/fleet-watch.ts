/** What a host that is one of several hears of its zones' carriers, and of zones that have moved away. */
import type { Config } from '../config/config.ts';
import type { Host, HostEvent } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { Carriers } from './carriers.ts';
import { Elsewhere } from './elsewhere.ts';
import type { Mirror } from './mirror.ts';

export interface FleetHooks {
  readonly host: Pick<Host, 'rtnetlink'>;
  readonly mirror: Pick<Mirror, 'links' | 'routesOf'>;
  readonly config: () => Config;
  /** Calls for a pass, in a few words. */
  readonly news: (what: string) => void;
  /** The link has lost its carrier for a while (`isSilent`), or has it again. */
  readonly carriersTurned: (ifindex: number, isSilent: boolean) => void;
}

export class FleetWatch {
  readonly #carriers: Carriers;
  readonly #elsewhere: Elsewhere;

  constructor({ host, mirror, config, news, carriersTurned }: FleetHooks) {
    const isInFleet = () => config().settings.fleet.block.length > 0;
    this.#carriers = new Carriers({ mirror, isInFleet, due: carriersTurned });
    this.#elsewhere = new Elsewhere(host, config, news);
  }

  /** Links, by ifindex, whose zones have no routes for now. */
  get silent(): ReadonlySet<number> {
    return this.#carriers.silent;
  }

  /** Addresses that a zone of another host has; another set where it is different. */
  get elsewhere(): ReadonlySet<Address> {
    return this.#elsewhere.addresses;
  }

  /** To be called once the mirror has taken the event. */
  heard(event: HostEvent): void {
    this.#elsewhere.heard(event);
    this.#carriers.heard(event);
  }

  /** `isAll`: the mirror has just read everything. */
  async observe(isAll: boolean): Promise<void> {
    if (isAll) this.#carriers.observed();
    await this.#elsewhere.observe(isAll);
  }

  stop(): void {
    this.#carriers.stop();
  }
}
