import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseListing } from '../../../src/host/nft-answer.ts';
import { hasCode } from '../../../src/model/errors.ts';

const metainfo = { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } };
const table = { table: { family: 'inet', name: 'edera', handle: 1 } };
const chain = { chain: { family: 'inet', table: 'edera', name: 'guard', handle: 2 } };

describe('parseListing', () => {
  it('reads a listing without its metainfo', () => {
    expect(parseListing(`${documentOf(metainfo, table, chain)}\n`)).toEqual([table, chain]);
  });

  it('is not misled by text inside a document', () => {
    const comment = '{"nftables": []}\n"}]} \\" Error: no {"nftables": ';
    const rule = { rule: { family: 'ip', table: 'filter', chain: 'FORWARD', handle: 9, comment, expr: [] } };
    expect(parseListing(documentOf(metainfo, rule, table))).toEqual([rule, table]);
  });

  it.each(['', '{"nftables": [', '{"nftables": 3}', '{"nftables": [{]}', 'null', 'Error: no'])(
    'calls %j garbled',
    (text) => {
      expect(() => parseListing(text)).toThrow(expect.objectContaining({ code: 'garbled' }));
    },
  );

  it.each(['1.0.2', '1.0.6', '1.0.10', '1.1.3', '2.0.0', '1.0.6.1', 'next'])('takes nft %s', (version) => {
    expect(parseListing(documentOf({ metainfo: { version } }, table))).toEqual([table]);
  });

  it.each(['0.9.8', '1.0.1', '0.10.7'])('refuses nft %s with what to do', (version) => {
    expect(() => parseListing(documentOf({ metainfo: { version } }, table))).toThrow(
      expect.objectContaining({
        code: 'tool-outdated',
        exitCode: 1,
        message: expect.stringMatching(`^nft ${version} is too old: .*; install nftables 1.0.6 or newer$`),
      }),
    );
  });

  it('throws nothing but its own error, whatever stands there', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('{"nftables": ', '[{"add": {"table": {}}}]}', '[]}', '[null, 1, "x"]}'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          parseListing(pieces.join(''));
        } catch (error) {
          expect(hasCode(error, 'garbled')).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

/** nft prints a blank after each colon and comma. */
function documentOf(...objects: object[]): string {
  return `{"nftables": [${objects.map((object) => JSON.stringify(object)).join(', ')}]}`;
}
