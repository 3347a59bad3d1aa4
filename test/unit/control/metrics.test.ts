import { expect, test } from 'vitest';
import { metricFamilies } from '../../../src/control/metrics.ts';
import { formatFor } from '../../../src/control/open-metrics.ts';
import type { ZoneStatus } from '../../../src/control/status.ts';
import { maxLabelledZones } from '../../../src/control/zone-metrics.ts';
import { noon, statusOf, zoneOf } from './support.ts';

const none = { timesToReadyMs: [] };

function render(...of: Parameters<typeof metricFamilies>): string {
  return formatFor().render(metricFamilies(...of));
}

test('the whole text for one zone', () => {
  const status = statusOf({ zones: [zoneOf({ dropped: dropped(3) })] });
  expect(render(status, { timesToReadyMs: [0.4, 1.5, 1.5, 20_000] })).toMatchInlineSnapshot(`
    "# TYPE protect_network_build info
    # HELP protect_network_build The running version.
    protect_network_build_info{version="1.2.3"} 1
    # TYPE protect_network_start_time_seconds gauge
    # UNIT protect_network_start_time_seconds seconds
    # HELP protect_network_start_time_seconds When the daemon started, Unix time.
    protect_network_start_time_seconds 1767312245
    # TYPE protect_network_ready gauge
    # HELP protect_network_ready 1 when everything desired is in place.
    protect_network_ready 1
    # TYPE protect_network_zones gauge
    # HELP protect_network_zones Links of zones on this host, by state.
    protect_network_zones{state="ready"} 1
    protect_network_zones{state="opening"} 0
    protect_network_zones{state="failed"} 0
    protect_network_zones{state="unserved"} 0
    protect_network_zones{state="taken"} 0
    # TYPE protect_network_failures gauge
    # HELP protect_network_failures Failures that are being retried now.
    protect_network_failures 0
    # TYPE protect_network_warnings gauge
    # HELP protect_network_warnings Warnings that hold now.
    protect_network_warnings 0
    # TYPE protect_network_directory_up gauge
    # HELP protect_network_directory_up 1 when the zone directory answers; one that this host does not have is left out.
    protect_network_directory_up{directory="static"} 1
    # TYPE protect_network_directory_entries gauge
    # HELP protect_network_directory_entries Links that the zone directory knows.
    protect_network_directory_entries{directory="static"} 1
    # TYPE protect_network_directory_problems gauge
    # HELP protect_network_directory_problems Entries of the zone directory that cannot be used.
    protect_network_directory_problems{directory="static"} 0
    # TYPE protect_network_passes counter
    # HELP protect_network_passes Comparisons of what should be with what is.
    protect_network_passes_total 12
    # TYPE protect_network_transactions counter
    # HELP protect_network_transactions Firewall transactions; none is made when nothing changed.
    protect_network_transactions_total 4
    # TYPE protect_network_repairs counter
    # HELP protect_network_repairs Repairs of what other programs had changed.
    protect_network_repairs_total 1
    # TYPE protect_network_put_back counter
    # HELP protect_network_put_back Items that repairs put back, by kind.
    protect_network_put_back_total{kind="nftables"} 1
    protect_network_put_back_total{kind="route"} 0
    protect_network_put_back_total{kind="neighbour-proxy"} 0
    protect_network_put_back_total{kind="link"} 0
    protect_network_put_back_total{kind="sysctl"} 0
    protect_network_put_back_total{kind="forwarding"} 0
    protect_network_put_back_total{kind="shaper"} 0
    # TYPE protect_network_last_pass_timestamp_seconds gauge
    # UNIT protect_network_last_pass_timestamp_seconds seconds
    # HELP protect_network_last_pass_timestamp_seconds When the last pass ended, Unix time.
    protect_network_last_pass_timestamp_seconds 1767323040
    # TYPE protect_network_last_pass_duration_seconds gauge
    # UNIT protect_network_last_pass_duration_seconds seconds
    # HELP protect_network_last_pass_duration_seconds How long the last pass took.
    protect_network_last_pass_duration_seconds 0.00125
    # TYPE protect_network_link_to_ready_seconds gaugehistogram
    # UNIT protect_network_link_to_ready_seconds seconds
    # HELP protect_network_link_to_ready_seconds From a link's first event to ready, of the zones that came last.
    protect_network_link_to_ready_seconds_bucket{le="0.0005"} 1
    protect_network_link_to_ready_seconds_bucket{le="0.001"} 1
    protect_network_link_to_ready_seconds_bucket{le="0.0025"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.005"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.01"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.025"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.05"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.1"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.25"} 3
    protect_network_link_to_ready_seconds_bucket{le="0.5"} 3
    protect_network_link_to_ready_seconds_bucket{le="1.0"} 3
    protect_network_link_to_ready_seconds_bucket{le="2.5"} 3
    protect_network_link_to_ready_seconds_bucket{le="5.0"} 3
    protect_network_link_to_ready_seconds_bucket{le="10.0"} 3
    protect_network_link_to_ready_seconds_bucket{le="+Inf"} 4
    protect_network_link_to_ready_seconds_gcount 4
    protect_network_link_to_ready_seconds_gsum 20.0034
    # TYPE protect_network_zone info
    # HELP protect_network_zone The zone behind a link.
    protect_network_zone_info{link="vif7.0",name="web",directory="static"} 1
    # TYPE protect_network_zone_packets counter
    # HELP protect_network_zone_packets Packets that a zone sent and received. At most 1000 links have their own; the rest are summed as \\"other\\".
    protect_network_zone_packets_total{link="vif7.0",direction="sent"} 1234
    protect_network_zone_packets_total{link="vif7.0",direction="received"} 9
    # TYPE protect_network_zone_bytes counter
    # UNIT protect_network_zone_bytes bytes
    # HELP protect_network_zone_bytes Bytes that a zone sent and received. At most 1000 links have their own; the rest are summed as \\"other\\".
    protect_network_zone_bytes_total{link="vif7.0",direction="sent"} 567890
    protect_network_zone_bytes_total{link="vif7.0",direction="received"} 840
    # TYPE protect_network_zone_dropped_packets counter
    # HELP protect_network_zone_dropped_packets Packets from a zone that were dropped: source (not its own), unassigned (neighbour discovery under an address that no zone has), stray (to an address of the subnet that no zone has), error (ICMP about others' connections), flood (neighbour discovery), untranslated (would have left under the zone's own address), denied (no policy allows it), limit (new connections beyond a policy's limits or a quarter of the connection table), bandwidth (sent faster than a policy lets it). At most 1000 links have their own; the rest are summed as \\"other\\".
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="source"} 3
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="unassigned"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="stray"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="error"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="flood"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="untranslated"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="denied"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="limit"} 0
    protect_network_zone_dropped_packets_total{link="vif7.0",kind="bandwidth"} 0
    # EOF
    "
  `);
});

test('escapes what people write', () => {
  const text = render(statusOf({ zones: [zoneOf({ name: 'a"b\\c\nd' })] }), none);
  expect(text).toContain('protect_network_zone_info{link="vif7.0",name="a\\"b\\\\c\\nd",directory="static"} 1\n');
});

test('leaves out what could not be read instead of calling it zero', () => {
  const text = render(statusOf({ zones: [zoneOf({ sent: null, dropped: dropped(null) })], lastPass: null }), none);
  expect(text).not.toMatch(/direction="sent"|dropped|last_pass/);
  expect(text).toContain('protect_network_zone_bytes_total{link="vif7.0",direction="received"} 840\n');
});

test('an absent directory is not down', () => {
  const [directory] = statusOf().directories;
  if (directory === undefined) throw new Error('the canned status has directories');
  const text = render(statusOf({ directories: [directory, { ...directory, name: 'xenstore', state: 'down' }] }), none);
  expect(text).not.toContain('control-api');
  expect(text).toContain('protect_network_directory_up{directory="xenstore"} 0\n');
});

test('bounds the labels: the zones longest here keep theirs, the rest are summed', () => {
  const zones = Array.from({ length: maxLabelledZones + 3 }, (_, place) => {
    return zoneOf({ link: `vif${place + 1}.0`, ifindex: 5000 - place, received: { packets: 2, bytes: 100 } });
  });
  const text = render(statusOf({ zones, startedAt: noon }), none);
  const links = new Set([...text.matchAll(/zone_bytes_total\{link="([^"]+)"/g)].map((match) => match[1]));
  expect(links.size).toBe(maxLabelledZones + 1);
  expect([links.has('vif1.0'), links.has('vif4.0'), links.has('other')]).toEqual([false, true, true]);
  expect(text).toContain('protect_network_zone_bytes_total{link="other",direction="received"} 300\n');
  expect(text).toContain(`protect_network_zones{state="ready"} ${zones.length}\n`);
});

test('every family is announced once, before its samples, and no sample comes twice', () => {
  const lines = render(statusOf(), { timesToReadyMs: [1] })
    .trimEnd()
    .split('\n');
  expect(lines.at(-1)).toBe('# EOF');
  const seen = new Set<string>();
  let family = '';
  for (const line of lines.slice(0, -1)) {
    const key = line.startsWith('#') ? line.split(' ', 3).join(' ') : line.slice(0, line.lastIndexOf(' '));
    expect(seen).not.toContain(key);
    seen.add(key);
    if (line.startsWith('# TYPE ')) family = line.split(' ')[2] ?? '';
    else if (!line.startsWith('#')) expect(line.replace(/[ {].*/, '').startsWith(family)).toBe(true);
  }
});

function dropped(packets: number | null): ZoneStatus['dropped'] {
  const none = packets === null ? null : { packets: 0, bytes: 0 };
  return {
    source: packets === null ? null : { packets, bytes: 84 * packets },
    unassigned: none,
    stray: none,
    error: none,
    flood: none,
    untranslated: none,
    bandwidth: none,
    denied: none,
    limit: none,
  };
}

test('collectors that know Prometheus’ older format only get it, and every figure under the same name', () => {
  const families = metricFamilies(statusOf({ zones: [zoneOf({ name: 'a"b\\c\nd', dropped: dropped(3) })] }), {
    timesToReadyMs: [1],
  });
  const plain = formatFor('text/plain');
  expect(plain.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  const lines = plain.render(families).split('\n');
  const samplesOf = (all: string[]) => all.filter((line) => line !== '' && !line.startsWith('#')).sort();
  expect(samplesOf(lines)).toEqual(samplesOf(formatFor().render(families).split('\n')));
  const typed = lines.flatMap((line) => /^# TYPE (\S+) (\S+)$/.exec(line)?.slice(1) ?? []);
  const types = new Set(typed.filter((_, place) => place % 2 === 1));
  expect(types).toEqual(new Set(['counter', 'gauge']));
  // Each sample stands under the type of its own name.
  let announced = '';
  for (const line of lines.filter(Boolean)) {
    announced = /^# TYPE (\S+)/.exec(line)?.[1] ?? announced;
    if (!line.startsWith('#')) expect(line.replace(/[ {].*/, '')).toBe(announced);
  }
});

test.each([
  [undefined, 'application/openmetrics-text'],
  ['*/*', 'application/openmetrics-text'],
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    'application/openmetrics-text',
  ],
  ['text/plain', 'text/plain'],
  ['application/vnd.google.protobuf;q=0.7,text/plain;version=0.0.4;q=0.3', 'text/plain'],
])('who accepts %s gets %s', (accept, type) => {
  expect(formatFor(accept).contentType.split(';')[0]).toBe(type);
});
