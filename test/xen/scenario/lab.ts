import type { Daemon } from './daemon.ts';
import type { Place } from './place.ts';

/** What every part of the scenario works with. */
export interface Lab {
  readonly place: Place;
  readonly daemon: Daemon;
}
