/** What the tools of each release said of the same host, read as the daemon reads it: the answers must not differ. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { acceptedLink } from '../../../src/host/nft-command.ts';
import { planIngress } from '../../../src/nft/plan-ingress.ts';
import { type Chain, type Ruleset, ruleText, type Table } from '../../../src/nft/ruleset.ts';
import { type Answers, askAll } from '../../releases/questions.ts';
import { parseTranscript, replaying } from '../../releases/transcript.ts';
import { address, link } from '../nft/support.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const releases = ['bookworm', 'trixie', 'bullseye'];

describe.each(releases)('tools of %s', (release) => {
  let answers: Answers;
  beforeAll(async () => {
    answers = await askAll(replaying(parseTranscript(fixture(release, 'answers.txt'))));
  });

  it('list tables and who else decides what is forwarded', () => {
    const tables = answers.tables.map(({ family, name }) => `${family} ${name}`);
    expect(tables).toEqual(expect.arrayContaining(['ip filter', 'ip6 filter', 'inet others', 'inet edera', 'ip last']));
    const chains = answers.forwardChains.map(
      ({ family, table, name, policy }) => `${family} ${table} ${name} ${policy}`,
    );
    const others = ['inet others ahead accept', 'ip filter FORWARD accept', 'ip6 filter FORWARD accept'];
    expect(chains.filter((line) => !line.includes('edera')).sort()).toEqual(others);
  });

  it('list the ruleset in the words of nft 1.0.6, others’ rules with it', async () => {
    const { ruleset } = await askAll(replaying(parseTranscript(fixture('bookworm', 'answers.txt'))));
    expect(plain(answers.ruleset)).toEqual(plain(ruleset));
    // What is listed of a link's ingress is what was made there.
    const pair = { link: link('vif8.0'), addresses: ['10.75.1.8', 'fdd4:1476:6c7e::108'].map(address) };
    expect(planIngress(answers.ruleset, { taken: [pair], free: 'all' })).toEqual([]);
  });

  it('list both rules of each zone, each with its handle', () => {
    for (const family of ['ip', 'ip6']) {
      const pairs = chain(answers.ruleset, `${family} filter`, 'EDERA-FORWARD');
      for (const name of ['vif7.0', 'vif8.0']) {
        const rules = (['oifname', 'iifname'] as const).map((key) => acceptedLink({ key, link: link(name) }));
        const found = rules.flatMap((rule) => pairs.rulesOf(ruleText(rule)));
        expect(found.map(({ handle }) => typeof handle)).toEqual(['number', 'number']);
      }
    }
  });
});

function fixture(release: string, name: string): string {
  return readFileSync(join(fixtures, release, name), 'utf8');
}

function table(ruleset: Ruleset, key: string): Table {
  const found = ruleset.get(key);
  if (found === undefined) throw new Error(`no table ${key}`);
  return found;
}

function chain(ruleset: Ruleset, key: string, name: string): Chain {
  const found = table(ruleset, key).chains.get(name);
  if (found === undefined) throw new Error(`no chain ${key} ${name}`);
  return found;
}

/** Everything but handles and the order of what has none. */
function plain(ruleset: Ruleset): unknown {
  return [...ruleset].map(([key, { chains, sets }]) => ({
    key,
    chains: [...chains]
      .map(([name, { hook }]) => ({
        name,
        hook,
        rules: chain(ruleset, key, name)
          .rules()
          .map(({ text }) => text),
      }))
      .sort(byName),
    sets: [...sets].map(([name, { text }]) => ({ name, text })).sort(byName),
  }));
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}
