/** What the tools of each release said of the same host, read as the daemon reads it: the answers must not differ. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseIpLine } from '../../../src/host/ip-lines.ts';
import { NftTool } from '../../../src/host/nft.ts';
import { type NftTransaction, NftTransactions } from '../../../src/host/nft-lines.ts';
import type { HostEvent } from '../../../src/host/port.ts';
import { forwardPair } from '../../../src/nft/layout-filter.ts';
import { type Chain, type Ruleset, ruleText, type Table } from '../../../src/nft/ruleset.ts';
import { type Answers, askAll } from '../../releases/questions.ts';
import { parseTranscript, replaying } from '../../releases/transcript.ts';
import { link } from '../nft/support.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const releases = ['bookworm', 'trixie', 'bullseye'];

describe.each(releases)('tools of %s', (release) => {
  let answers: Answers;
  beforeAll(async () => {
    answers = await askAll(replaying(parseTranscript(fixture(release, 'answers.txt'))));
  });

  it('list links', () => {
    expect(answers.links).toEqual([
      { ifindex: 1, name: 'lo', up: true },
      { ifindex: 2, name: 'uplink0', up: true },
      { ifindex: 3, name: 'vif7.0', up: true },
      { ifindex: 4, name: 'vif8.0', up: true },
    ]);
  });

  it('list routes of ours, all and by link', () => {
    const ours = (['ipv4', 'ipv6'] as const).flatMap((family) => answers.routes[family]);
    expect(
      ours.map(({ type, destination, device, table, protocol }) => [type, destination, device, table, protocol]),
    ).toEqual([
      ['unicast', '10.75.1.7', 'vif7.0', 'main', '75'],
      ['unicast', '10.75.1.8', 'vif8.0', 'main', '75'],
      ['local', '10.75.0.1', 'lo', 'local', '75'],
      ['unicast', 'fdd4:1476:6c7e::107', 'vif7.0', 'main', '75'],
      ['unicast', 'fdd4:1476:6c7e::108', 'vif8.0', 'main', '75'],
      ['local', 'fdd4:1476:6c7e::1', 'lo', 'local', '75'],
    ]);
    const { ipv4, ipv6 } = answers.routesOfOne;
    expect([...ipv4, ...ipv6].map(({ destination }) => destination)).toEqual(['10.75.1.7', 'fdd4:1476:6c7e::107']);
  });

  it('list default routes with who made them', () => {
    expect(answers.defaultRoutes).toEqual([
      { family: 'ipv4', device: 'uplink0', protocol: 'boot' },
      { family: 'ipv6', device: 'uplink0', protocol: 'boot' },
      { family: 'ipv6', device: 'uplink0', protocol: 'ra' },
    ]);
  });

  it('list neighbour proxies of ours, all and by link', () => {
    const text = ({ address, device }: { address: string; device: string }) => `${address} ${device}`;
    expect(answers.proxies.map(text).sort()).toEqual([
      'fdd4:1476:6c7e::1 vif7.0',
      'fdd4:1476:6c7e::1 vif8.0',
      'fdd4:1476:6c7e::107 vif8.0',
      'fdd4:1476:6c7e::108 vif7.0',
    ]);
    expect(answers.proxiesOfOne.map(text).sort()).toEqual(['fdd4:1476:6c7e::1 ', 'fdd4:1476:6c7e::108 ']);
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
  });

  it('list both rules of each zone, each with its handle, and its elements', () => {
    for (const family of ['ip', 'ip6']) {
      const pairs = chain(answers.ruleset, `${family} filter`, 'EDERA-FORWARD');
      for (const name of ['vif7.0', 'vif8.0']) {
        const found = forwardPair(link(name)).flatMap((rule) => pairs.rulesOf(ruleText(rule)));
        expect(found.map(({ handle }) => typeof handle)).toEqual(['number', 'number']);
      }
    }
    const { sets } = table(answers.ruleset, 'inet edera');
    expect([...(sets.get('from4')?.elements ?? [])].sort()).toEqual(['vif7.0 10.75.1.7', 'vif8.0 10.75.1.8']);
  });

  it('count each zone’s packets', () => {
    for (const direction of [answers.counters.sent, answers.counters.received]) {
      expect([...direction.keys()].sort()).toEqual(['vif7.0', 'vif8.0']);
      for (const { packets, bytes } of direction.values()) expect(Math.min(packets, bytes)).toBeGreaterThan(0);
    }
  });

  it('tell of links, routes, addresses and settings as they change', () => {
    const lines = fixture(release, 'ip-monitor.txt').trimEnd().split('\n');
    const events = lines.map(parseIpLine).filter((event) => event !== undefined);
    // Only the settings of a link that goes are left to the link's own event.
    const silent = lines.filter((line) => parseIpLine(line) === undefined);
    expect(silent.filter((line) => !line.startsWith('[NETCONF]Deleted '))).toEqual([]);
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['link', 'route', 'address', 'netconf']));
    expect(storyOf(events)).toEqual([
      'vif9.0 down',
      'vif9.0 up',
      '10.75.1.9 dev vif9.0 proto 75',
      'fdd4:1476:6c7e::109 dev vif9.0 proto 75',
      'vif9.0 down',
      'deleted fdd4:1476:6c7e::109 dev vif9.0 proto 75',
      'vif10.0 down',
      'deleted vif10.0 down',
    ]);
    const netconf = { kind: 'netconf', link: 'vif7.0' };
    expect(events).toContainEqual(expect.objectContaining({ ...netconf, family: 'ipv4', strictReversePath: true }));
    expect(events).toContainEqual(expect.objectContaining({ ...netconf, family: 'ipv6', proxiesNeighbours: true }));
    expect(events).toContainEqual({ kind: 'address', ifindex: 5, deleted: true });
  });

  it('tell of transactions with tables, author, and the handle of every new rule', () => {
    const reader = new NftTransactions();
    const heard = fixture(release, 'nft-monitor.txt')
      .trimEnd()
      .split('\n')
      .map((line) => reader.push(line));
    const transactions = heard.filter((one): one is NftTransaction => one?.kind === 'transaction');
    expect(transactions.slice(0, 3).map(({ tables, culprit }) => [[...tables], culprit?.process])).toEqual([
      [['ip filter'], 'iptables'],
      [['ip6 filter'], 'ip6tables'],
      [['inet others'], 'nft'],
    ]);
    expect(heard.filter((one) => one !== undefined)).toEqual(transactions);
    const named = transactions.flatMap(({ rules }) => rules).filter(({ chain: place }) => place === 'EDERA-FORWARD');
    for (const name of ['vif7.0', 'vif8.0', 'vif9.0']) {
      for (const family of ['ip', 'ip6']) {
        const texts = named
          .filter((rule) => rule.family === family && rule.text.includes(name))
          .map(({ text }) => text);
        expect(texts).toEqual([`oifname "${name}" counter accept`, `iifname "${name}" counter accept`]);
      }
    }
  });
});

it('of bullseye, nft is refused by its first answer', async () => {
  const nft = replaying(parseTranscript(fixture('bullseye', 'refused-nft.txt')));
  await expect(new NftTool(nft).tables()).rejects.toThrow('nft 0.9.8 is too old');
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
    sets: [...sets].map(([name, { text, elements }]) => ({ name, text, elements: [...elements].sort() })).sort(byName),
  }));
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}

/** What happened to the link that came and went, in order, without repetitions and the kernel's own routes. */
function storyOf(events: readonly HostEvent[]): string[] {
  let last = '';
  return events.flatMap((event) => {
    const prefix = 'deleted' in event && event.deleted ? 'deleted ' : '';
    if (event.kind === 'link' && event.link.ifindex === 5) {
      const line = `${prefix}${event.link.name} ${event.link.up ? 'up' : 'down'}`;
      if (line === last) return [];
      last = line;
      return [line];
    }
    if (event.kind !== 'route' || event.device !== 'vif9.0' || event.protocol !== '75') return [];
    return [`${prefix}${event.destination} dev vif9.0 proto 75`];
  });
}
