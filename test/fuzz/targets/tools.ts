/** What nft prints, whoever made it print that. */
import { NftListing } from '../../../src/host/nft-listing.ts';
import type { RunResult, Tools } from '../../../src/host/tools.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { mutateJson } from '../mutate-json.ts';
import { outcomeOf, type Target } from '../target.ts';

const objects = [
  'table',
  'chain',
  'rule',
  'set',
  'elem',
  'concat',
  'val',
  'counter',
  'expr',
  'handle',
  'metainfo',
  'xt',
];
const nftWords = [
  ...objects,
  'nftables',
  'family',
  'name',
  'hook',
  'forward',
  'prio',
  'policy',
  'drop',
  'accept',
  'jump',
];

/** Lists everything the daemon asks of nft, each time with the same answer. */
export function nftListing(): Target {
  let stdout = '';
  const tools = answering(() => ({ exitCode: 0, stdout, stderr: '' }));
  const listing = new NftListing(tools);
  const rules = (family: string, name: string) => listing.rules(family, name);
  return {
    name: 'nft-listing',
    mutate: mutateJson(nftWords),
    // The three tables, three times six sets and both lists are read from the one answer.
    outputBound: (bytes) => 64 * 1024 + 1000 * bytes,
    feed: async (input) => {
      stdout = input.toString('utf8');
      const [tables, chains] = [await listing.tables(), await listing.list(['chains'])];
      const ruleset = await observeRuleset({ table: rules, rules });
      const sets = [...ruleset.values()].flatMap((table) => [...table.sets.keys()]);
      const kind = `${tables.length} ${chains?.length} ${ruleset.get('inet edera')?.chains.size} ${sets.length}`;
      return outcomeOf(kind, { tables, chains, sets });
    },
  };
}

/** Tools that start nothing. */
function answering(answer: () => RunResult): Tools {
  const path = (): string => {
    throw new Error('a fuzzed tool is not started');
  };
  return { path, run: async () => answer(), environment: {} };
}
