import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '../../../src/host/nft-answer.ts';
import { hasCode } from '../../../src/model/errors.ts';

const metainfo = { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } };
const table = { table: { family: 'inet', name: 'edera', handle: 1 } };
const chain = { chain: { family: 'inet', table: 'edera', name: 'guard', handle: 2 } };

describe('parseAnswer', () => {
  it('reads nothing out of nothing', () => {
    expect(parseAnswer('')).toEqual({ listed: [], echoed: [], complaint: '' });
  });

  it('reads a listing without its metainfo', () => {
    expect(parseAnswer(`${documentOf(metainfo, table, chain)}\n`)).toEqual({
      listed: [table, chain],
      echoed: [],
      complaint: '',
    });
  });

  it.each(['', '\n', '\n\n'])('tells echoes from listings, with %j in between', (between) => {
    const echo = documentOf({ add: table }, { insert: chain }, { delete: table }, { flush: chain });
    const text = [echo, documentOf(metainfo, table), echo].join(between);
    expect(parseAnswer(text)).toEqual({ listed: [table], echoed: [table, chain, table, chain], complaint: '' });
  });

  it.each(['', '\n'])('keeps errors in between as words, with %j before them', (before) => {
    const words = 'internal:0:0-0: Error: Could not process rule: No such file or directory';
    const answer = parseAnswer(`${documentOf(metainfo, table)}${before}${words}\n\n${documentOf(metainfo, chain)}\n`);
    expect(answer).toEqual({ listed: [table, chain], echoed: [], complaint: words });
  });

  it('reads errors alone', () => {
    expect(parseAnswer('Error: syntax error, unexpected newline\n')).toEqual({
      listed: [],
      echoed: [],
      complaint: 'Error: syntax error, unexpected newline',
    });
  });

  it('is not misled by text inside a document', () => {
    const comment = '{"nftables": []}\n"}]} \\" Error: no {"nftables": ';
    const rule = { rule: { family: 'ip', table: 'filter', chain: 'FORWARD', handle: 9, comment, expr: [] } };
    expect(parseAnswer(documentOf(metainfo, rule, table))).toEqual({
      listed: [rule, table],
      echoed: [],
      complaint: '',
    });
  });

  it.each(['{"nftables": [', '{"nftables": 3}', '{"nftables": [{]}'])('calls %s garbled', (text) => {
    expect(() => parseAnswer(text)).toThrow(expect.objectContaining({ code: 'garbled' }));
  });

  it('throws nothing but its own error, whatever stands there', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('{"nftables": ', '[{"add": {"table": {}}}]}', '[]}', '\n', 'Error: ', '}', '[null, 1, "x"]}'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          parseAnswer(pieces.join(''));
        } catch (error) {
          expect(hasCode(error, 'garbled')).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('finds every document among any words that hold no brace', () => {
    const words = fc.string({ unit: fc.constantFrom(...'aE: \n"[]^~') });
    fc.assert(
      fc.property(fc.array(fc.tuple(words, fc.array(fc.constantFrom(table, chain)))), (pairs) => {
        const text = pairs.map(([before, objects]) => before + documentOf(...objects)).join('');
        expect(parseAnswer(text).listed).toEqual(pairs.flatMap(([, objects]) => objects));
      }),
    );
  });
});

/** nft prints a blank after each colon and comma. */
function documentOf(...objects: object[]): string {
  return `{"nftables": [${objects.map((object) => JSON.stringify(object)).join(', ')}]}`;
}
