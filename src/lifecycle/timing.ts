import type { Backoff } from '../model/backoff.ts';

/**
 * When a pass comes. `Loop` runs one as soon as something is dirty, unless it is held back. What makes something dirty, and when:
 *
 * | what                                        | marks                       | when                                          |
 * | ------------------------------------------- | --------------------------- | --------------------------------------------- |
 * | an event of the host (`Reconciler`)         | its link, its table, or all | at once; `urgencyOf` says what may wait       |
 * | a zone directory (`AskedDirectories`)       | that it has news            | at once                                       |
 * | the configuration, lost events              | everything                  | at once                                       |
 * | what failed (`Retries`)                     | the link, or everything     | after `retries`                               |
 * | links that came or went (`SiblingNews`)     | their siblings' proxies     | once births rest: `siblings`                  |
 * | late deletions (`ConntrackPurges`)          | that they are               | a pass waits `purgeMs` for them, then goes on |
 * | a deleted neighbour proxy (`ProxyWatch`)    | its link                    | at the next look: `proxies`                   |
 * | others' firewalls (`ForeignWatch`)          | new warnings                | after a look: `foreignFirewalls`              |
 * | another size of the connection table (`TableShares`) | that it has | at the next look: `tableShares`           |
 * | a zone's carrier, in a fleet (`Carriers`)   | its link                    | back: at once; away: after `carriers`         |
 * | others' routes to own addresses (`Elsewhere`) | that they are             | at once                                       |
 * | an uplink that appeared, an unwatched link  | that it did                 | at once                                       |
 * | the resync (`Reconciler`)                   | everything                  | each `reconcile.resync-seconds`               |
 *
 * What holds passes back: `gatherMs`, `momentMs`, and `quarrels`.
 */

/** Milliseconds before what failed is tried again. */
export const retries: Backoff = { first: 100, most: 30_000 };

export const passes = {
  /** Between the end of a pass and the next. About as long as one takes: a burst is gathered into a handful. */
  gatherMs: 2,
  /** A link that is deleted goes down first, 2 to 20 ms earlier. To look at it in between would keep its end waiting. */
  momentMs: 25,
  /** How long the first pass waits for the zone directories once the host is read: with their answers it is the only one. */
  directoriesGraceMs: 500,
  /** What a pass waits for connections to be forgotten, at most; a table of ordinary size takes 0.1 to 20 ms. */
  purgeMs: 25,
} as const;

/** Births of a burst follow each other within about a millisecond, their passes within ten; however long a burst lasts. */
export const siblings = { restMs: 20, longestMs: 500 } as const;

/**
 * Asking takes 1 ms with ten zones, and the next look comes 2000 times as long after it: at most 1/2000 of a core goes into it.
 * However much there is to list: with 4000 entries one look takes 80 ms, and on a busy host ten take as long.
 */
export const proxies = { pausePerCost: 2_000, shortestMs: 2_000, longestMs: 60_000 } as const;

/**
 * Changes come in bursts, and some rewrite their tables all the time: the longer a look takes, the rarer it gets. People who
 * have followed an advice wait no longer than `longestMs` for a word about it.
 */
export const foreignFirewalls = { pausePerCost: 20, shortestMs: 500, longestMs: 5_000 } as const;

/**
 * Repairs that another program keeps reverting. Eight within the window are no accident: a restart of Docker or ufw causes two
 * or three. Then the next waits 0.1 s, doubling to 2 s, which costs about 1 % of a core; 30 s without a repair end it.
 */
export const quarrels = {
  tolerated: 8,
  windowMs: 10_000,
  shortestWaitMs: 100,
  longestWaitMs: 2_000,
  peaceMs: 30_000,
} as const;

/**
 * How often it is asked how many connections are tracked, two small files. Counting whose they are takes 1 to 2 µs for each and is done
 * only while there are more than one zone may have: then at most 10 % of a core. `heldSeconds`: how long the kernel holds what it was told, renewed at half time.
 */
export const tableShares = { lookMs: 2_000, pausePerCost: 10, heldSeconds: 60 } as const;
/** How long a zone's link may be without carrier before its route is withdrawn: a guest that restarts its network takes less. */
export const carriers = { patienceMs: 3_000 } as const;

/** How often leases are looked at, and how long ahead of its end one that is in use is renewed. */
export const leases = { lookMs: 30_000, aheadSeconds: 90 } as const;
