/** Whatever a zone sends becomes a question, a refusal or nothing; what is refused and how. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeQuery, rcodes } from '../../../src/dns/question.ts';
import { query, read } from '../../lab/dns-messages.ts';
import { TestForwarder } from './support.ts';

function withLabels(labels: readonly Buffer[], end: readonly number[] = [0, 0, 1, 0, 1]): Buffer {
  const header = query('a.example', 'A', { additionals: [] }).subarray(0, 12);
  return Buffer.concat([header, ...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from(end)]);
}

describe('a question', () => {
  it('is read as it was written, and its name in lower case', () => {
    const judged = judgeQuery(query('API.Example.com', 'AAAA'));
    expect(judged).toMatchObject({ kind: 'question', question: { name: 'api.example.com', type: 28, udpBytes: 1232 } });
  });

  it('of one label with dots is no question for the name that it looks like', () => {
    const judged = judgeQuery(withLabels([Buffer.from('api.example.com')]));
    expect(judged).toMatchObject({ kind: 'question', question: { name: undefined } });
  });

  it.each([
    [
      'with two questions',
      query('a.example', 'A', {
        questions: [
          { name: 'a.example', type: 'A' },
          { name: 'b.example', type: 'A' },
        ],
      }),
    ],
    ['with an answer', query('a.example', 'A', { answers: [{ name: 'a.example', type: 'A', data: '192.0.2.1' }] })],
    ['that ends in its name', withLabels([Buffer.from('api')], [])],
    ['with a pointer', withLabels([], [0xc0, 12, 0, 1, 0, 1])],
    ['with a name of more than 255 bytes', withLabels(Array<Buffer>(5).fill(Buffer.alloc(63, 97)))],
    ['larger than any', Buffer.concat([query('a.example', 'A'), Buffer.alloc(1300)])],
  ])('%s is malformed', (_what, bytes) => {
    expect(judgeQuery(bytes)).toMatchObject({ kind: 'refusal', rcode: rcodes.formErr });
  });

  it('that is an answer gets none', () => {
    expect(judgeQuery(query('a.example', 'A', { type: 'response' }))).toEqual({ kind: 'nothing' });
  });

  it.each([
    ['an update', query('a.example', 'A', { flags: 5 << 11 }), rcodes.notImp],
    [
      'another class',
      query('a.example', 'A', { questions: [{ name: 'version.bind', type: 'TXT', class: 'CH' }] }),
      rcodes.refused,
    ],
  ])('%s is refused', (_what, bytes, rcode) => {
    expect(judgeQuery(bytes)).toMatchObject({ kind: 'refusal', rcode });
  });
});

describe('any bytes', () => {
  const noise = fc.uint8Array({ maxLength: 1400 }).map((bytes) => Buffer.from(bytes));
  const valid = fc.constantFrom(
    query('api.example.com', 'A'),
    query('other.example', 'PTR'),
    query('git.corp.example', 'ANY'),
  );
  const mutated = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }), fc.nat(90))
    .map(([bytes, changes, length]) => {
      const copy = Buffer.from(bytes.subarray(0, Math.max(12, length)));
      for (const [place, value] of changes) if (place < copy.length) copy[place] = value;
      return copy;
    });

  it('are an answer to themselves, a refusal or silence', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, mutated), fc.boolean(), async (bytes, isUdp) => {
        const test = new TestForwarder();
        const answer = await test.forwarder.answer(bytes, '10.75.0.3', isUdp);
        if (answer === undefined) return;
        expect(answer.length).toBeLessThanOrEqual(1232);
        expect(answer.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
        expect(answer.readUInt16BE(2) & 0x8000).toBe(0x8000);
        // Nothing was asked but what a rule allows, however it is written.
        for (const asked of test.asked) expect(asked).toMatch(/^(api\.example\.com|git\.corp\.example) (A|AAAA)$/);
      }),
      { numRuns: 3000 },
    );
  });

  it('control: a valid query is answered', async () => {
    const test = new TestForwarder();
    const answer = await test.forwarder.answer(query('api.example.com', 'A'), '10.75.0.3', true);
    expect(answer === undefined ? undefined : read(answer).rcode).toBe('NOERROR');
    expect(test.asked).toEqual(['api.example.com A']);
  });
});
