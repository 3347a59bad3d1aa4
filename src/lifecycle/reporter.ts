/** What the loop tells the world: log lines on transitions, and the figures behind `status` and the metrics. */
import type { PassStatus } from '../control/status.ts';
import type { HostEvent } from '../host/port.ts';
import { messageOf } from '../model/errors.ts';
import { type Fault, sentenceOf } from '../model/fault.ts';
import { type Log, tell, tellSaid } from '../words/log-messages.ts';
import { toldKind } from './describe-event.ts';
import type { DesiredZone } from './desired.ts';
import type { Dirty } from './dirty.ts';
import { Forgeries, spoofed, unassigned } from './forgeries.ts';
import type { PassFailures } from './pass.ts';
import { countChanges, type Plan } from './pass-plan.ts';
import type { QuarrelStatus } from './quarrel.ts';
import { RepairLog } from './repair-log.ts';
import type { Repairs } from './repairs.ts';
import { type Retry, remainingMs } from './retry.ts';
import { howToFree } from './taken.ts';
import type { ZoneRecord } from './zone-record.ts';

export interface PassReport {
  readonly dirty: Dirty;
  /** performance.now() milliseconds; the end is when everything was in place, or failed. */
  readonly begun: number;
  readonly ended: number;
  readonly plan: Plan;
  readonly failures: PassFailures;
  readonly repairs: Repairs;
}

/** What failed in a pass. */
export type PassFailure = 'unreadHost' | 'undoneChanges' | 'unforgottenConnections';

export class Reporter {
  readonly log: Log;
  lastPass: PassStatus | undefined;
  passes = 0;
  transactions = 0;
  faults: readonly Fault[] = [];
  /** Why the files are not what is in force. */
  refusal: string | undefined;
  /** Milliseconds from a link's first event to ready, of the last 1000 zones. */
  readonly timesToReady: number[] = [];
  readonly repairs: RepairLog;
  readonly forgeries = new Forgeries(spoofed);
  readonly unassigned = new Forgeries(unassigned);
  #lastFailure = '';
  #quarrels = false;

  constructor(log: Log) {
    this.log = log;
    this.repairs = new RepairLog(log);
  }

  /**
   * Whatever the host tells, whether it changes anything or not. `ifindex`: the link it is about, where there is one, and
   * `zone` what it was given.
   */
  heard(event: HostEvent, ifindex: number | undefined, zone?: DesiredZone): void {
    this.repairs.heard(event);
    if (event.kind === 'traced') this.#dropped(ifindex ?? 0, event, zone);
    if (event.kind !== 'lost') return;
    const { reason } = event;
    tell(this.log, 'eventsLost', { reason }, { reason });
  }

  /** `since`: performance.now() milliseconds of the event that led here. */
  turned(record: ZoneRecord, since: number): void {
    const { link, ifindex, state, reason, served, retry, refusal } = record;
    const [log, zone] = [this.log, served?.name];
    const fields = { link, zone, ifindex, state };
    if (state === 'ready') {
      const took = performance.now() - since;
      this.#remember(took);
      const { addresses = [], directory, origin } = served ?? {};
      const milliseconds = round(took);
      const gaps = { link, addresses: addresses.join(', '), directory: `${directory}`, origin: `${origin}` };
      tell(log, 'zoneReady', { ...gaps, n: milliseconds }, { ...fields, addresses, directory, origin, milliseconds });
    } else if (state === 'failed') {
      const inMs = retry === undefined ? 0 : remainingMs(retry);
      tell(log, 'zoneFailed', { link, reason: `${reason}`, time: seconds(inMs) }, { ...fields, reason });
    } else if (state === 'opening') {
      tell(log, 'zoneOpening', { link, reason: `${reason}` }, { ...fields, reason });
    } else if (state === 'taken') {
      const taken = served?.taken;
      const command = taken === undefined ? '' : howToFree(link, taken);
      tell(log, 'zoneTaken', { reason: `${reason}`, command }, { ...fields, reason, takenBy: taken?.by });
    } else if (state === 'unserved') {
      const whence = refusal?.directory === undefined ? '' : ` (${refusal.directory}: ${refusal.origin})`;
      tell(log, 'zoneUnserved', { link, reason: `${reason}${whence}` }, { ...fields, reason });
    }
  }

  closed(record: ZoneRecord): void {
    this.forgeries.forget(record.ifindex);
    this.unassigned.forget(record.ifindex);
    if (record.served === undefined) return;
    const { link, ifindex, served } = record;
    const { addresses, name: zone } = served;
    const fields = { link, zone, ifindex, state: 'closed', addresses };
    tell(this.log, 'zoneClosed', { link, addresses: addresses.join(', ') }, fields);
  }

  #dropped(ifindex: number, packet: Extract<HostEvent, { kind: 'traced' }>, given: DesiredZone | undefined): void {
    const kind = toldKind(packet);
    if (kind === undefined || kind === 'denial') return;
    // The kernel reports one in a minute for each link.
    if (kind === 'limit') {
      const gaps = { zone: given?.name ?? packet.link };
      tell(this.log, 'limited', gaps, { link: packet.link, zone: given?.name, ifindex });
      return;
    }
    const line = (kind === 'forgery' ? this.forgeries : this.unassigned).heard(ifindex, packet, given?.addresses);
    const { link, source, destination } = packet;
    if (line === undefined) return;
    const key = kind === 'forgery' ? 'spoofed' : 'unassigned';
    tellSaid(this.log, key, line, { link, zone: given?.name, ifindex, source, destination });
  }

  /** Returns the culprits of a repair, undefined where there was none. */
  passed({ dirty, begun, ended, plan, failures, repairs }: PassReport): string[] | undefined {
    const milliseconds = ended - begun;
    const changes = countChanges(plan);
    this.passes += 1;
    if (plan.nft.length > 0) this.transactions += 1;
    const cause = dirty.causes.join('; ');
    this.lastPass = { at: Date.now(), milliseconds: round(milliseconds), changes, cause };
    const gaps = { n: changes, n2: round(milliseconds), causes: cause };
    tell(this.log, 'pass', gaps, { cause, changes, milliseconds: round(milliseconds) });
    const took = round(ended - (dirty.since ?? ended));
    return this.repairs.passed({ repairs, dirty, begun, took, isDone: failures.nft === undefined });
  }

  /** Tells when a quarrel begins and when it is over. */
  quarrels(quarrel: QuarrelStatus | undefined): void {
    if (quarrel !== undefined && !this.#quarrels) tellSaid(this.log, 'quarrel', quarrel.reason);
    if (quarrel === undefined && this.#quarrels) tell(this.log, 'quarrelOver', {});
    this.#quarrels = quarrel !== undefined;
  }

  failed(what: PassFailure, error: Error, retry: Retry): void {
    const inMs = remainingMs(retry);
    // The same failure again is worth a line only when the wait has grown long.
    const isNews = this.#lastFailure !== error.message || inMs > 10_000;
    this.#lastFailure = error.message;
    const reason = messageOf(error);
    if (isNews) tell(this.log, what, { reason, time: seconds(inMs) }, { reason, attempts: retry.attempts });
  }

  directoryFailed(name: string, error: unknown): void {
    tell(this.log, 'directoryFailed', { directory: name, reason: messageOf(error) });
  }

  /** What is wrong with the host now; only what is new is logged. */
  problems(faults: readonly Fault[]): void {
    const before = new Set(this.faults.map(sentenceOf));
    const now = new Set(faults.map(sentenceOf));
    for (const problem of now) if (!before.has(problem)) tell(this.log, 'problem', { warning: problem });
    for (const problem of before) if (!now.has(problem)) tell(this.log, 'problemOver', { warning: problem });
    this.faults = faults;
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
