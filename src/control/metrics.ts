/** The daemon's figures for Prometheus and its like. Pure. */
import { counter, type Family, family, gauge, gaugeHistogram, info } from './open-metrics.ts';
import type { PolicyState, Status, ZoneState } from './status.ts';
import { zoneFamilies } from './zone-metrics.ts';

export interface MetricsExtras {
  /** From a link's first event to `ready`, of the zones that came last. */
  readonly timesToReadyMs: readonly number[];
}

const policyNames: readonly PolicyState[] = ['none', 'audit', 'enforced'];
const zoneStates: readonly ZoneState[] = ['ready', 'opening', 'failed', 'unserved', 'taken'];
/** Seconds. The promise is milliseconds; a second is what a zone's first packets notice. */
const readyBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function metricFamilies(status: Status, extras: MetricsExtras): Family[] {
  return [
    ...daemonFamilies(status),
    ...directoryFamilies(status),
    ...workFamilies(status, extras),
    ...policyFamilies(status),
    ...fleetFamilies(status),
    ...zoneFamilies(status.zones),
  ];
}

function daemonFamilies(status: Status): Family[] {
  const { version, startedAt, state, zones, failures, warnings } = status;
  return [
    family('build', 'info', 'The running version.', [info({ version })]),
    family('start_time_seconds', 'gauge', 'When the daemon started, Unix time.', [gauge(startedAt / 1000)]),
    family('ready', 'gauge', '1 when everything desired is in place.', [gauge(state === 'ready' ? 1 : 0)]),
    family(
      'zones',
      'gauge',
      'Links of zones on this host, by state.',
      zoneStates.map((each) => gauge(zones.filter((zone) => zone.state === each).length, { state: each })),
    ),
    family('failures', 'gauge', 'Failures that are being retried now.', [gauge(failures.length)]),
    family('warnings', 'gauge', 'Warnings that hold now.', [gauge(warnings.length)]),
  ];
}

/** Nothing on a host that is none of several. */
function fleetFamilies({ fleet, zones }: Status): Family[] {
  const blocks = fleet?.blocks ?? [];
  if (blocks.length === 0) return [];
  return [
    family(
      'block_addresses',
      'gauge',
      'Addresses for zones that a block of this host in a fleet has.',
      blocks.map(({ block, capacity }) => gauge(capacity, { block })),
    ),
    family(
      'block_addresses_used',
      'gauge',
      'Those that zones are given.',
      blocks.map(({ block, used }) => gauge(used, { block })),
    ),
    family(
      'zones_without_carrier',
      'gauge',
      'Zones whose guest is not there, by the carrier of their link: after some seconds other hosts of the fleet do not reach them.',
      [gauge(zones.filter(({ carrier }) => carrier === false).length)],
    ),
  ];
}

function directoryFamilies({ directories }: Status): Family[] {
  const present = directories.filter(({ state }) => state !== 'absent');
  return [
    family(
      'directory_up',
      'gauge',
      '1 when the zone directory answers; one that this host does not have is left out.',
      present.map(({ name, state }) => gauge(state === 'answered' ? 1 : 0, { directory: name })),
    ),
    family(
      'directory_entries',
      'gauge',
      'Links that the zone directory knows.',
      present.map(({ name, entries }) => gauge(entries, { directory: name })),
    ),
    family(
      'directory_problems',
      'gauge',
      'Entries of the zone directory that cannot be used.',
      present.map(({ name, problems }) => gauge(problems.length, { directory: name })),
    ),
  ];
}

/** Nothing where no policy says what zones may reach. */
function policyFamilies({ forwarder, zones }: Status): Family[] {
  if (forwarder === null) return [];
  const { connected, totals } = forwarder;
  const { queries = 0, ...outcomes } = totals ?? {};
  return [
    family(
      'policed_zones',
      'gauge',
      'Zones by policy: none, audit (what no rule allows passes and is told of), enforced (it is denied).',
      policyNames.map((policy) => gauge(zones.filter((zone) => zone.policy === policy).length, { policy })),
    ),
    family('leases', 'gauge', 'Addresses and ports that are open to zones by names they asked for.', [
      gauge(zones.reduce((sum, zone) => sum + zone.leases, 0)),
    ]),
    family('forwarder_up', 'gauge', '1 when the forwarder of names is connected.', [gauge(connected ? 1 : 0)]),
    family(
      'forwarder_queries',
      'counter',
      "Queries for names by policed zones, since the forwarder's start.",
      totals === null ? [] : [counter(queries)],
    ),
    family(
      'forwarder_answers',
      'counter',
      'What became of queries: answered, denied (no rule), failed (no resolver, or not opened), limited (more than a zone may send).',
      Object.entries(outcomes).map(([outcome, times]) => counter(times, { outcome })),
    ),
  ];
}

function workFamilies({ passes, transactions, repairs, putBack, lastPass }: Status, extras: MetricsExtras): Family[] {
  const pass = lastPass === null ? [] : [lastPass];
  return [
    family('passes', 'counter', 'Comparisons of what should be with what is.', [counter(passes)]),
    family('transactions', 'counter', 'Firewall transactions; none is made when nothing changed.', [
      counter(transactions),
    ]),
    family('repairs', 'counter', 'Repairs of what other programs had changed.', [counter(repairs)]),
    family(
      'put_back',
      'counter',
      'Items that repairs put back, by kind.',
      Object.entries(putBack).map(([kind, things]) => counter(things, { kind })),
    ),
    family(
      'last_pass_timestamp_seconds',
      'gauge',
      'When the last pass ended, Unix time.',
      pass.map(({ at }) => gauge(at / 1000)),
    ),
    family(
      'last_pass_duration_seconds',
      'gauge',
      'How long the last pass took.',
      pass.map(({ milliseconds }) => gauge(milliseconds / 1000)),
    ),
    family(
      'link_to_ready_seconds',
      'gaugehistogram',
      "From a link's first event to ready, of the zones that came last.",
      gaugeHistogram(
        extras.timesToReadyMs.map((milliseconds) => milliseconds / 1000),
        readyBounds,
      ),
    ),
  ];
}
