/** What `plan` and the log say in nft's own language makes the same ruleset as the JSON that nft is given. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandJson, type NftCommand } from '../../src/host/nft-command.ts';
import { addRule, deleteRule, insertRule } from '../../src/nft/commands.ts';
import { counter, drop, jump, payloadIs } from '../../src/nft/expressions.ts';
import { parseTable } from '../../src/nft/observe.ts';
import { planRuleset } from '../../src/nft/plan.ts';
import { describeCommand } from '../../src/nft/words.ts';
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
        const byJson = await loaded(world, { json: json(commands) });
        expect(await loaded(world, { native: native(commands) }), JSON.stringify(settings)).toEqual(byJson);
      }
    }));

  it('put a rule in the same place, and take the same away', () =>
    withWorld({}, async ({ host, files }) => {
      const rules = async () =>
        parseTable(await host.nftJson(['table', 'ip', 'filter']))
          .chains.get('FORWARD')
          ?.rules();
      const tell = async (commands: NftCommand[], isJson: boolean) => {
        const file = join(files.directory, 'said');
        await writeFile(file, isJson ? json(commands) : native(commands));
        await host.mustExec('nft', [...(isJson ? ['-j'] : []), '-f', file]);
      };
      const after = [];
      for (const isJson of [true, false]) {
        await host.nft(
          'add table ip filter; flush table ip filter; add chain ip filter FORWARD; add chain ip filter mine',
        );
        await tell(
          [10, 11, 12].map((ttl) => addRule(chain, [payloadIs('ip', 'ttl', ttl), counter, drop])),
          isJson,
        );
        const [first, second] = (await rules()) ?? [];
        await tell([insertRule(chain, [counter, jump('mine')], second?.handle)], isJson);
        await tell([insertRule(chain, [payloadIs('ip', 'ttl', 9), drop], undefined)], isJson);
        await tell([deleteRule(chain, first?.handle)], isJson);
        after.push((await rules())?.map(({ text }) => text));
      }
      expect(after[0]).toHaveLength(4);
      expect(after[1]).toEqual(after[0]);
    }));
});

it('chains and sets have names by which nft lists them, which `limits` for one would not be', () =>
  withWorld({}, async ({ host, files }) => {
    const drawn = fc.sample(fc.tuple(anySettings, anyZones), { numRuns: samples, seed: 1 });
    const commands = drawn.flatMap(([settings, zones]) =>
      planRuleset(settings, new Map(), { kind: 'all', zones, prune: true }),
    );
    const lists = commands.flatMap((command) => {
      if (command.kind === 'add-chain') return `list chain ${command.family} ${command.table} ${command.chain}`;
      if (command.kind === 'add-set') return `list set ${command.family} ${command.table} ${command.set}`;
      return [];
    });
    expect(new Set(lists).size).toBeGreaterThan(50);
    const file = join(files.directory, 'said');
    await writeFile(file, json(commands.filter(({ kind }) => /^add-(table|chain|set)$/.test(kind))));
    await host.mustExec('nft', ['-j', '-f', file]);
    for (const list of new Set(lists)) await host.nft(list);
  }));

function json(commands: readonly NftCommand[]): string {
  return JSON.stringify({ nftables: commands.map(commandJson) });
}

function native(commands: readonly NftCommand[]): string {
  return commands.map((command) => `${describeCommand(command)}\n`).join('');
}

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
