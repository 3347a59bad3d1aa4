/** What we say in nft's own language makes the same ruleset as the JSON that it stands for. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nativeScript } from '../../src/host/nft-script.ts';
import type { NftCommand } from '../../src/host/port.ts';
import { addRule, insertRule } from '../../src/nft/commands.ts';
import { counter, drop, jump, payloadIs } from '../../src/nft/expressions.ts';
import { parseTable } from '../../src/nft/observe.ts';
import { planRuleset } from '../../src/nft/plan.ts';
import { maskNft } from '../lab/nft-mask.ts';
import { type World, withWorld } from '../lab/world.ts';
import { anySettings, anyZones, defaults } from '../unit/nft/support.ts';

/** Of settings and zones, beside the defaults; one load takes 30 ms. */
const samples = 25;
const chain = { family: 'ip', table: 'filter', chain: 'FORWARD' } as const;

describe('our own language and JSON', () => {
  it('make the same ruleset, whatever the settings and the zones', () =>
    withWorld({}, async (world) => {
      const drawn = fc.sample(fc.tuple(anySettings, anyZones), { numRuns: samples, seed: 1 });
      for (const [settings, zones] of [[defaults, []] as const, ...drawn]) {
        const commands = planRuleset(settings, new Map(), { kind: 'all', zones, prune: true });
        const said = nativeScript(commands);
        expect(said, JSON.stringify(settings)).toBeDefined();
        const byJson = await loaded(world, { json: JSON.stringify({ nftables: commands }) });
        expect(await loaded(world, { native: said ?? '' }), JSON.stringify(settings)).toEqual(byJson);
      }
    }));

  it('put a rule in the same place, and take the same away', () =>
    withWorld({}, async ({ host, files }) => {
      const rules = async () =>
        parseTable(await host.nftJson(['table', 'ip', 'filter']))
          .chains.get('FORWARD')
          ?.rules();
      const tell = async (commands: NftCommand[], json: boolean) => {
        const said = json ? JSON.stringify({ nftables: commands }) : (nativeScript(commands) ?? '');
        const file = join(files.directory, 'said');
        await writeFile(file, said);
        await host.mustExec('nft', [...(json ? ['-j'] : []), '-f', file]);
      };
      const after = [];
      for (const json of [true, false]) {
        await host.nft(
          'add table ip filter; flush table ip filter; add chain ip filter FORWARD; add chain ip filter mine',
        );
        await tell(
          [10, 11, 12].map((ttl) => addRule(chain, [payloadIs('ip', 'ttl', ttl), counter, drop])),
          json,
        );
        const [first, second] = (await rules()) ?? [];
        await tell([insertRule(chain, [counter, jump('mine')], second?.handle)], json);
        await tell([insertRule(chain, [payloadIs('ip', 'ttl', 9), drop], undefined)], json);
        await tell([{ delete: { rule: { ...chain, handle: first?.handle } } }], json);
        after.push((await rules())?.map(({ text }) => text));
      }
      expect(after[0]).toHaveLength(4);
      expect(after[1]).toEqual(after[0]);
    }));
});

/** The ruleset that the text alone makes; what the kernel counts by itself is masked. */
async function loaded({ host, files }: World, text: { json: string } | { native: string }): Promise<unknown> {
  const isJson = 'json' in text;
  const file = join(files.directory, 'said');
  await writeFile(file, isJson ? text.json : text.native);
  await host.nft('flush ruleset');
  await host.mustExec('nft', [...(isJson ? ['-j'] : []), '-f', file]);
  const objects: unknown[] = maskNft(await host.nftJson());
  return objects.map(withoutDynamic);
}

/** Newer releases list the flag that JSON cannot say. */
function withoutDynamic(object: unknown): unknown {
  const { set } = object as { set?: { flags?: string | string[] } };
  return set?.flags === undefined
    ? object
    : { set: { ...set, flags: [set.flags].flat().filter((flag) => flag !== 'dynamic') } };
}
