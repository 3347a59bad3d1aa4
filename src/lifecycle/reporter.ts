/** What the loop tells the world: log lines on transitions, and the figures behind `status` and the metrics. */
import type { Logger } from 'pino';
import type { PassStatus } from '../control/status.ts';
import type { Culprit, HostEvent } from '../host/port.ts';
import { messageOf } from '../model/errors.ts';
import type { Retry } from './backoff.ts';
import type { Dirty } from './dirty.ts';
import type { Repairs } from './repairs.ts';
import type { ZoneRecord } from './zone-record.ts';

export interface PassReport {
  readonly dirty: Dirty;
  readonly milliseconds: number;
  readonly changes: number;
  readonly transacted: boolean;
  readonly repairs: Repairs;
}

export class Reporter {
  readonly #log: Logger;
  lastPass: PassStatus | undefined;
  passes = 0;
  transactions = 0;
  repairs = 0;
  warnings: readonly string[] = [];
  /** Milliseconds from a link's first event to ready, of the last 1000 zones. */
  readonly timesToReady: number[] = [];
  /** Authors of foreign transactions since the last pass, by process id. */
  readonly #culprits = new Map<number, Culprit>();
  #lastFailure = '';

  constructor(log: Logger) {
    this.#log = log;
  }

  heard(event: HostEvent): void {
    if (event.kind === 'nft' && event.culprit !== undefined) this.#culprits.set(event.culprit.pid, event.culprit);
    if (event.kind === 'lost')
      this.#log.warn({ reason: event.reason }, `events may be missing: ${event.reason}; reading everything again`);
  }

  /** `since`: performance.now() milliseconds of the event that led here. */
  turned(record: ZoneRecord, since: number): void {
    const { link, ifindex, state, reason, served, retry } = record;
    const fields = { link, ifindex, state };
    if (state === 'ready') {
      const milliseconds = performance.now() - since;
      this.#remember(milliseconds);
      const addresses = served?.addresses ?? [];
      this.#log.info(
        {
          ...fields,
          addresses,
          directory: served?.directory,
          origin: served?.origin,
          milliseconds: round(milliseconds),
        },
        `${link} is ready: ${addresses.join(', ')} (${served?.directory}: ${served?.origin}), ${round(milliseconds)} ms`,
      );
    } else if (state === 'failed') {
      const inMs = retry === undefined ? 0 : Math.max(0, retry.nextTryAt - Date.now());
      this.#log.error({ ...fields, reason }, `${link} is not served: ${reason}; retrying in ${seconds(inMs)}`);
    } else if (state === 'unserved') {
      this.#log.warn({ ...fields, reason }, `${link} gets nothing: ${reason}`);
    }
  }

  closed(record: ZoneRecord): void {
    if (record.served === undefined) return;
    const { link, ifindex, served } = record;
    this.#log.info({ link, ifindex, state: 'closed' }, `${link} is gone: ${served.addresses.join(', ')} taken back`);
  }

  passed({ dirty, milliseconds, changes, transacted, repairs }: PassReport): void {
    this.passes += 1;
    if (transacted) this.transactions += 1;
    const cause = dirty.causes.join('; ');
    this.lastPass = { at: Date.now(), milliseconds: round(milliseconds), changes, cause };
    this.#log.debug({ cause, changes }, `pass: ${changes} changes in ${round(milliseconds)} ms (${cause})`);
    const took = round(performance.now() - (dirty.since ?? performance.now()));
    const culprits = [...this.#culprits.values()];
    this.#culprits.clear();
    const authors = culprits.map(({ process, pid }) => `${process} (${pid})`).join(', ');
    if (repairs.put.length > 0) {
      this.repairs += 1;
      const what = listed(repairs.put);
      const fields = { changes, cause, culprit: culprits[0], culprits, milliseconds: took };
      this.#log.warn(
        fields,
        `${authors === '' ? cause : authors} changed what is ours; put back after ${took} ms: ${what}`,
      );
    } else if (repairs.movesJump) {
      this.#log.info(
        { cause, culprits },
        `our jump in FORWARD moved to its place behind the rules of ${authors || 'others'}`,
      );
    }
  }

  failed(what: string, error: Error, retry: Retry): void {
    const inMs = Math.max(0, retry.nextTryAt - Date.now());
    // The same failure again is worth a line only when the wait has grown long.
    const isNews = this.#lastFailure !== error.message || inMs > 10_000;
    this.#lastFailure = error.message;
    if (isNews)
      this.#log.error(
        { reason: messageOf(error), attempts: retry.attempts },
        `${what}: ${messageOf(error)}; retrying in ${seconds(inMs)}`,
      );
  }

  /** The problems as they are now; only those that are new are logged. */
  problems(problems: readonly string[]): void {
    const known = new Set(this.warnings);
    for (const problem of problems) if (!known.has(problem)) this.#log.warn(problem);
    const left = new Set(problems);
    for (const problem of this.warnings) if (!left.has(problem)) this.#log.info(`no longer: ${problem}`);
    this.warnings = problems;
  }

  #remember(milliseconds: number): void {
    this.timesToReady.push(milliseconds);
    if (this.timesToReady.length > 1000) this.timesToReady.shift();
  }
}

/** The first few, and how many more. */
function listed(things: readonly string[]): string {
  const shown = things.slice(0, 4).join(', ');
  return things.length > 4 ? `${shown} and ${things.length - 4} more` : shown;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${Math.round(milliseconds / 100) / 10} s`;
}
