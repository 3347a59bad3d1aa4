/** Every line that the daemon can log. docs/log.md is made from it and `scripts/docs/log-meanings.ts` by `npm run docs`. */
import { type Gaps, say } from './say.ts';

interface LogMessage {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** PROTECT_NETWORK_EVENT in the journal. */
  readonly event: string;
  readonly words: string;
}

export const logMessages = {
  running: { level: 'info', event: 'running', words: 'running: {n} zones in {subnets}' },
  stopping: { level: 'info', event: 'stopping', words: '{signal}: stopping; routes and rules stay as they are' },
  killed: { level: 'error', event: 'stopping', words: 'not stopped within {n} s: killed' },
  reloaded: {
    level: 'info',
    event: 'reloaded',
    words: 'configuration reloaded; in force, no restart needed: {changes}',
  },
  reloadedInPart: {
    level: 'info',
    event: 'reloaded',
    words: 'configuration reloaded; accepted, not all in place yet: {changes}',
  },
  unchanged: { level: 'info', event: 'reloaded', words: 'configuration reloaded: no changes' },
  reloadRefused: {
    level: 'error',
    event: 'reload-refused',
    words: '{mistake}\nthe previous configuration stays in force',
  },
  reloadIncomplete: {
    level: 'error',
    event: 'reload-incomplete',
    words: 'part of the new configuration is not in force: {reason}',
  },
  noControlSocket: {
    level: 'error',
    event: 'control-socket',
    words: 'no control socket: {reason}; continuing without',
  },
  noLock: { level: 'error', event: 'lock', words: 'no lock against a second daemon: {problem}; continuing without' },
  directoryFailed: {
    level: 'error',
    event: 'directory-failed',
    words: 'zone directory {directory} could not be started: {reason}; it is not read until the daemon restarts',
  },
  noMetrics: {
    level: 'error',
    event: 'metrics-listen',
    words: 'no metrics on {address}:{port}: {reason}; continuing without',
  },
  controlSocket: { level: 'warn', event: 'control-socket', words: 'control socket: {reason}' },
  serviceManager: {
    level: 'warn',
    event: 'service-manager',
    words: 'cannot notify the service manager of {word}: {reason}',
  },
  zoneReady: {
    level: 'info',
    event: 'zone-ready',
    words: '{link} is ready: {addresses} ({directory}: {origin}), {n} ms',
  },
  zoneClosed: { level: 'info', event: 'zone-closed', words: '{link} is gone: {addresses} removed' },
  zoneOpening: { level: 'info', event: 'zone-opening', words: '{link} is waiting: {reason}' },
  zoneUnserved: { level: 'warn', event: 'zone-unserved', words: '{link} has no network: {reason}' },
  zoneTaken: { level: 'error', event: 'zone-taken', words: '{reason}; fix: {command}' },
  zoneFailed: {
    level: 'error',
    event: 'zone-failed',
    words: '{link} could not be set up: {reason}; retrying in {time}',
  },
  unreadHost: {
    level: 'error',
    event: 'pass-failed',
    words: 'the host could not be read: {reason}; retrying in {time}',
  },
  undoneChanges: {
    level: 'error',
    event: 'pass-failed',
    words: 'some changes could not be made: {reason}; retrying in {time}',
  },
  unforgottenConnections: {
    level: 'error',
    event: 'pass-failed',
    words: 'conntrack entries of an address could not be deleted: {reason}; retrying in {time}',
  },
  repair: { level: 'warn', event: 'repair', words: '{who} changed {things}; put back after {n} ms' },
  jumpMoved: {
    level: 'info',
    event: 'jump-moved',
    words: 'our jump in FORWARD moved back to its place next to the rules of {who}',
  },
  quarrel: {
    level: 'error',
    event: 'quarrel',
    words:
      '{who} keeps reverting our repairs ({n} so far); repairing at most every {n2} s until nothing is reverted for {n3} s',
  },
  quarrelOfSeveral: {
    level: 'error',
    event: 'quarrel',
    words:
      '{who} keep reverting our repairs ({n} so far); repairing at most every {n2} s until nothing is reverted for {n3} s',
  },
  quarrelOver: { level: 'info', event: 'quarrel-over', words: 'repairs are no longer being reverted' },
  spoofed: {
    level: 'warn',
    event: 'forgery',
    words:
      '{link}: dropped packet with spoofed source {source} (to {destination}); further ones are counted and logged at most once a minute',
  },
  unassigned: {
    level: 'warn',
    event: 'unassigned-address',
    words:
      '{link}: dropped neighbour discovery from {source}: no IPv6 address is assigned to this zone; further ones are counted and logged at most once a minute',
  },
  otherAddress: {
    level: 'warn',
    event: 'unassigned-address',
    words:
      "{link}: dropped neighbour discovery from {source}: the zone's address is {addresses}; further ones are counted and logged at most once a minute",
  },
  limited: {
    level: 'warn',
    event: 'limited',
    words: 'zone {zone}: new connections beyond its limits are dropped; logged at most once a minute',
  },
  withdrawn: {
    level: 'warn',
    event: 'withdrawn',
    words: '{link}: no carrier for {n} s; its routes are withdrawn, and other hosts of the fleet do not reach the zone',
  },
  announced: { level: 'info', event: 'withdrawn-over', words: '{link}: has its carrier again; its routes are back' },
  denied: { level: 'warn', event: 'denied', words: 'denied: zone {zone} to {destination}: no rule' },
  nameDenied: { level: 'warn', event: 'denied', words: 'denied: zone {zone} asked for {name}: no rule' },
  audited: { level: 'info', event: 'audited', words: 'would be denied: zone {zone} to {destination}: no rule' },
  nameAudited: { level: 'info', event: 'audited', words: 'would be denied: zone {zone} asked for {name}: no rule' },
  forwarderConnected: { level: 'info', event: 'forwarder', words: 'the forwarder of names is connected' },
  forwarderGone: {
    level: 'warn',
    event: 'forwarder',
    words: 'the forwarder of names is gone: policed zones resolve no new names until it is back',
  },
  forwarderSocket: { level: 'error', event: 'forwarder', words: 'the forwarder of names cannot connect: {reason}' },
  eventsLost: {
    level: 'warn',
    event: 'events-lost',
    words: 'events may have been lost: {reason}; rereading everything',
  },
  problem: { level: 'warn', event: 'problem', words: '{warning}' },
  problemOver: { level: 'info', event: 'problem-over', words: 'resolved: {warning}' },
  linesLost: { level: 'warn', event: 'log-lost', words: 'dropped {n} log {lines}: the log reader is too slow' },
  pass: { level: 'debug', event: 'pass', words: 'pass: {n} changes in {n2} ms ({causes})' },
} as const satisfies Readonly<Record<string, LogMessage>>;

export type LogKey = keyof typeof logMessages;
type Message<K extends LogKey = LogKey> = (typeof logMessages)[K];
/** A logger, as far as lines of these keys need one. It takes no event that the table lacks. */
export type Log<K extends LogKey = LogKey> = {
  readonly [Level in Message<K>['level']]: (fields: { readonly event: Message['event'] }, said: string) => void;
};

/** `fields`: what else the journal and JSON get, by the names of `journalNames`. */
export function tell<K extends LogKey>(
  log: Log<K>,
  key: K,
  gaps: Gaps<Message<K>['words']>,
  fields: object = {},
): void {
  tellSaid(log, key, say<string>(logMessages[key].words, gaps), fields);
}

/** The same with words that have been filled in already, where `status` has them too. */
export function tellSaid<K extends LogKey>(log: Log<K>, key: K, said: string, fields: object = {}): void {
  const { level, event } = logMessages[key];
  (log as Log)[level]({ event, ...fields }, said);
}
