/** What of a resolver's answer counts. */
import packet, { type Answer } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readResolved } from '../../../src/dns/chain.ts';
import { limits } from '../../../src/dns/limits.ts';

function read(answers: readonly Answer[], asked = 'a.example') {
  const questions = [{ name: asked, type: 'A' as const }];
  return readResolved(
    packet.encode({ type: 'response', questions, answers: [...answers] }),
    12 + asked.length + 6,
    asked,
    'A',
  );
}
const alias = (name: string, data: string, ttl = 60): Answer => ({ name, type: 'CNAME', ttl, data });
const host = (name: string, data: string, ttl = 60): Answer => ({ name, type: 'A', ttl, data });

describe('an answer', () => {
  it('counts from the asked name on, whatever the order and the case', () => {
    const answers = [
      host('c.example', '198.51.100.7', 30),
      alias('B.example', 'C.example', 90),
      alias('A.Example', 'b.example'),
    ];
    expect(read(answers)).toEqual({
      exists: true,
      chain: ['b.example', 'c.example'],
      addresses: ['198.51.100.7'],
      ttl: 30,
    });
  });

  it('of another name, or of a name that nothing leads to, does not', () => {
    const answers = [
      host('x.example', '203.0.113.1'),
      alias('x.example', 'y.example'),
      host('y.example', '203.0.113.2'),
    ];
    expect(read(answers)).toMatchObject({ chain: [], addresses: [] });
  });

  it('is none where its CNAMEs do not end', () => {
    expect(read([alias('a.example', 'a.example')])).toBeUndefined();
    expect(read([alias('a.example', 'b.example'), alias('b.example', 'a.example')])).toBeUndefined();
  });

  it('holds a chain and addresses up to their bounds', () => {
    const chain = (length: number) =>
      Array.from({ length }, (_, place) =>
        alias(place === 0 ? 'a.example' : `n${place}.example`, `n${place + 1}.example`),
      );
    expect(read(chain(limits.chainLength))?.chain).toHaveLength(limits.chainLength);
    expect(read(chain(limits.chainLength + 1))).toBeUndefined();
    const many = Array.from({ length: 600 }, (_, place) => host('a.example', `198.51.${place >> 8}.${place & 255}`));
    expect(read(many)?.addresses).toHaveLength(limits.addressesPerName);
  });

  it('with the highest bit of its time set holds for none', () => {
    expect(read([host('a.example', '198.51.100.7', 2 ** 31)])?.ttl).toBe(0);
  });

  it('of any bytes is read or is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 600 }), fc.nat(600), (bytes, from) => {
        const resolved = readResolved(Buffer.from(bytes), from, 'a.example', 'A');
        expect(resolved?.addresses.length ?? 0).toBeLessThanOrEqual(limits.addressesPerName);
      }),
      { numRuns: 3000 },
    );
  });
});
