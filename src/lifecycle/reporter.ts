/** What the loop tells the world: log lines on transitions, and the figures behind `status` and the metrics. */
import type { Logger } from 'pino';
import type { PassStatus } from '../control/status.ts';
import type { HostEvent } from '../host/port.ts';
import { messageOf } from '../model/errors.ts';
import { type Retry, remainingMs } from './backoff.ts';
import { isForgery } from './describe-event.ts';
import type { Dirty } from './dirty.ts';
import { Forgeries } from './forgeries.ts';
import type { QuarrelStatus } from './quarrel.ts';
import { RepairLog } from './repair-log.ts';
import type { Repairs } from './repairs.ts';
import type { ZoneRecord } from './zone-record.ts';

export interface PassReport {
  readonly dirty: Dirty;
  /** performance.now() milliseconds; the end is when everything was in place, or failed. */
  readonly begun: number;
  readonly ended: number;
  readonly changes: number;
  readonly transacted: boolean;
  readonly repairs: Repairs;
}

export class Reporter {
  readonly #log: Logger;
  lastPass: PassStatus | undefined;
  passes = 0;
  transactions = 0;
  warnings: readonly string[] = [];
  /** Why the files are not what is in force. */
  refusal: string | undefined;
  /** Milliseconds from a link's first event to ready, of the last 1000 zones. */
  readonly timesToReady: number[] = [];
  readonly repairs: RepairLog;
  readonly forgeries = new Forgeries();
  #lastFailure = '';
  #quarrels = false;

  constructor(log: Logger) {
    this.#log = log;
    this.repairs = new RepairLog(log);
  }

  /**
   * Whatever the host tells, whether it changes anything or not. `ifindex`: the link it is about, where there is one, and
   * `zone` what the zone behind it is called.
   */
  heard(event: HostEvent, ifindex: number | undefined, zone?: string): void {
    this.repairs.heard(event);
    if (event.kind === 'traced' && isForgery(event)) this.#forged(ifindex ?? 0, event, zone);
    if (event.kind === 'lost')
      this.#log.warn(
        { event: 'events-lost', reason: event.reason },
        `events may be missing: ${event.reason}; reading everything again`,
      );
  }

  /** `since`: performance.now() milliseconds of the event that led here. */
  turned(record: ZoneRecord, since: number): void {
    const { link, ifindex, state, reason, served, retry } = record;
    const zone = served?.name;
    const fields = { event: `zone-${state}`, link, zone, ifindex, state };
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
      const inMs = retry === undefined ? 0 : remainingMs(retry);
      this.#log.error({ ...fields, reason }, `${link} is not served: ${reason}; retrying in ${seconds(inMs)}`);
    } else if (state === 'opening') {
      this.#log.info({ ...fields, reason }, `${link} waits: ${reason}`);
    } else if (state === 'unserved') {
      this.#log.warn({ ...fields, reason }, `${link} gets nothing: ${reason}`);
    }
  }

  closed(record: ZoneRecord): void {
    this.forgeries.forget(record.ifindex);
    if (record.served === undefined) return;
    const { link, ifindex, served } = record;
    const { addresses, name: zone } = served;
    this.#log.info(
      { event: 'zone-closed', link, zone, ifindex, state: 'closed', addresses },
      `${link} is gone: ${addresses.join(', ')} taken back`,
    );
  }

  #forged(ifindex: number, packet: Extract<HostEvent, { kind: 'traced' }>, zone: string | undefined): void {
    const line = this.forgeries.heard(ifindex, packet);
    const { link, source, destination } = packet;
    if (line !== undefined) this.#log.warn({ event: 'forgery', link, zone, ifindex, source, destination }, line);
  }

  /** Returns the culprits of a repair, undefined where there was none. */
  passed({ dirty, begun, ended, changes, transacted, repairs }: PassReport): string[] | undefined {
    const milliseconds = ended - begun;
    this.passes += 1;
    if (transacted) this.transactions += 1;
    const cause = dirty.causes.join('; ');
    this.lastPass = { at: Date.now(), milliseconds: round(milliseconds), changes, cause };
    this.#log.debug(
      { event: 'pass', cause, changes, milliseconds: round(milliseconds) },
      `pass: ${changes} changes in ${round(milliseconds)} ms (${cause})`,
    );
    return this.repairs.passed(repairs, dirty, round(ended - (dirty.since ?? ended)));
  }

  /** Tells when a quarrel begins and when it is over. */
  quarrels(quarrel: QuarrelStatus | undefined): void {
    if (quarrel !== undefined && !this.#quarrels) this.#log.error({ event: 'quarrel' }, quarrel.reason);
    if (quarrel === undefined && this.#quarrels)
      this.#log.info({ event: 'quarrel-over' }, 'nobody undoes what is put back any more');
    this.#quarrels = quarrel !== undefined;
  }

  failed(what: string, error: Error, retry: Retry): void {
    const inMs = remainingMs(retry);
    // The same failure again is worth a line only when the wait has grown long.
    const isNews = this.#lastFailure !== error.message || inMs > 10_000;
    this.#lastFailure = error.message;
    if (isNews)
      this.#log.error(
        { event: 'pass-failed', reason: messageOf(error), attempts: retry.attempts },
        `${what}: ${messageOf(error)}; retrying in ${seconds(inMs)}`,
      );
  }

  /** The problems as they are now; only those that are new are logged. */
  problems(problems: readonly string[]): void {
    const known = new Set(this.warnings);
    for (const problem of problems) if (!known.has(problem)) this.#log.warn({ event: 'problem' }, problem);
    const left = new Set(problems);
    for (const problem of this.warnings)
      if (!left.has(problem)) this.#log.info({ event: 'problem-over' }, `no longer: ${problem}`);
    this.warnings = problems;
  }

  #remember(milliseconds: number): void {
    this.timesToReady.push(milliseconds);
    if (this.timesToReady.length > 1000) this.timesToReady.shift();
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${Math.round(milliseconds / 100) / 10} s`;
}
