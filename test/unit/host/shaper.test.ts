import { expect, it } from 'vitest';
import { fairShares } from '../../../src/host/shaper.ts';
import { Attributes } from '../../../src/netlink/reader.ts';
import { Writer } from '../../../src/netlink/writer.ts';

const mib = 1024 * 1024;

/** TCA_OPTIONS, TCA_FQ_CODEL_MEMORY_LIMIT behind a struct tcmsg. */
function memoryAt(bitsPerSecond: number): number {
  const writer = new Writer();
  fairShares({ ifindex: 7, bitsPerSecond }).fill?.(writer);
  return new Attributes(writer.bytes, 20).nested(2)?.u32(9) ?? 0;
}

it('what waits for a zone takes as much of dom0’s memory as its rate asks for, and never more than the kernel’s own bound', () => {
  // A hundred zones at the least rate, and any number of flows to each.
  expect(memoryAt(100_000) * 100).toBeLessThan(32 * mib);
  // A fifth of a second's worth is there all the same, and two packets that are not cut up yet.
  for (const bits of [1e6, 100e6, 500e6])
    expect(memoryAt(bits)).toBeGreaterThan(Math.max(2 * 65_536, (bits / 8) * 0.2));
  expect(memoryAt(100e9)).toBe(32 * mib);
});
