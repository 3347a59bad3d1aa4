/** What `drops` prints, whole, at three widths. */
import { expect, it } from 'vitest';
import { dropTable, sampleLine, unshownLine } from '../../../src/cli/drops-text.ts';
import { painter } from '../../../src/cli/paint.ts';
import type { Address } from '../../../src/model/address.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { DropTally } from '../../../src/traffic/drops.ts';
import { ZoneBook } from '../../../src/traffic/zone-book.ts';
import { noon } from '../control/support.ts';

const web = { link: 'vif7.0' as LinkName, name: 'web', addresses: ['10.75.0.7' as Address] };
const rows = [
  {
    kind: 'source',
    link: 'vif7.0',
    zone: web,
    counter: { packets: 12_345, bytes: 1_000_000 },
    last: { at: noon - 65_000, source: '2001:db8:1234:5678:9abc:def0:1234:5678', destination: '203.0.113.7' },
  },
  { kind: 'denied', link: 'vif9.0', zone: undefined, counter: { packets: 7, bytes: 420 }, last: undefined },
] as const;

function shown(width: number): string {
  return dropTable(rows, { now: noon, width, paint: painter(false) }).join('\n');
}

it('with 200 columns', () => {
  expect(shown(200)).toMatchInlineSnapshot(`
    "ZONE    LINK    KIND    PACKETS   BYTES       LAST  SOURCE                                  DESTINATION
    web     vif7.0  source      12k  1.0 MB  1m 5s ago  2001:db8:1234:5678:9abc:def0:1234:5678  203.0.113.7
    vif9.0  vif9.0  denied        7   420 B          -  -                                       -"
  `);
});

it('with 120 columns', () => {
  expect(shown(120)).toMatchInlineSnapshot(`
    "ZONE    LINK    KIND    PACKETS   BYTES       LAST  SOURCE                                  DESTINATION
    web     vif7.0  source      12k  1.0 MB  1m 5s ago  2001:db8:1234:5678:9abc:def0:1234:5678  203.0.113.7
    vif9.0  vif9.0  denied        7   420 B          -  -                                       -"
  `);
});

it('with 80 columns', () => {
  expect(shown(80)).toMatchInlineSnapshot(`
    "ZONE    LINK    KIND    PACKETS   BYTES       LAST
    web     vif7.0  source      12k  1.0 MB  1m 5s ago
    vif9.0  vif9.0  denied        7   420 B          -"
  `);
});

it('a sample, and what was not shown', () => {
  const config = { policies: [], subnets: { ipv4: undefined, ipv6: undefined } };
  const book = new ZoneBook({ config, zones: [web], distant: [], leases: [], hostAddresses: [], resolverPort: 10_053 });
  const view = { now: noon, width: Number.POSITIVE_INFINITY };
  const ends = { source: '10.75.0.99' as Address, destination: '10.75.0.7' as Address };
  const sample = {
    ...ends,
    kind: 'source',
    link: 'vif9.0',
    zone: undefined,
    ifindex: 4,
    protocol: 6,
    port: 22,
  } as const;
  const lines = [sampleLine(sample, book, view), unshownLine({ ...rows[0], shown: 2 }, view)];
  // The time is a local one.
  expect(lines.map((line) => line.replace(/^\S+/, 'TIME')).join('\n')).toMatchInlineSnapshot(`
    "TIME  source        vif9.0    10.75.0.99 to web (10.75.0.7)  22/tcp
    TIME  source        web       12343 more packets, not shown"
  `);
});

it('counts what grew, beside what was shown of it, and a counter that began anew from nothing', () => {
  const count = (packets: number) =>
    [{ kind: 'stray', link: 'vif7.0', counter: { packets, bytes: 60 * packets } }] as const;
  const tally = new DropTally(count(10));
  tally.shown('stray', 'vif7.0');
  expect(tally.grown(count(15))).toMatchObject([{ counter: { packets: 5, bytes: 300 }, shown: 1 }]);
  expect(tally.grown(count(15))).toEqual([]);
  expect(tally.grown(count(3))).toMatchObject([{ counter: { packets: 3 }, shown: 0 }]);
});
