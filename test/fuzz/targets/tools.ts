/** What nft and ip print, whoever made them print it. */

import { observeProxies } from '../../../src/arp/observe.ts';
import { parseIpLine } from '../../../src/host/ip-lines.ts';
import { NftTool } from '../../../src/host/nft.ts';
import { NftTransactions } from '../../../src/host/nft-lines.ts';
import { NftListing } from '../../../src/host/nft-listing.ts';
import { IpRtnetlink } from '../../../src/host/rtnetlink.ts';
import type { RunResult, Tools } from '../../../src/host/tools.ts';
import { families, parseAddress } from '../../../src/model/address.ts';
import { readCounters } from '../../../src/nft/counters.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { observeRoutes } from '../../../src/routes/observe.ts';
import { mutateJson } from '../mutate-json.ts';
import { mutateText } from '../mutate-text.ts';
import { type Outcome, outcomeOf, promised, type Target } from '../target.ts';

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

/** Lists everything the daemon asks of nft, each time with the same answer, from processes of their own and the long-lived one. */
export function nftListing(): Target {
  let stdout = '';
  const tools = answering(() => ({ exitCode: 0, stdout, stderr: '' }));
  const nft = new NftTool(tools);
  const listing = new NftListing(tools, async () => stdout);
  return {
    name: 'nft-listing',
    mutate: mutateJson(nftWords),
    // The three tables, three times six sets and both lists are read from the one answer.
    outputBound: (bytes) => 64 * 1024 + 1000 * bytes,
    feed: async (input) => {
      stdout = input.toString('utf8');
      const [tables, chains] = [await nft.tables(), await nft.forwardChains()];
      const ruleset = await observeRuleset(listing);
      const counters = await readCounters(listing);
      const sets = [...ruleset.values()].flatMap((table) => [...table.sets.keys()]);
      const kind = `${tables.length} ${chains.length} ${ruleset.get('inet edera')?.chains.size} ${sets.length}`;
      return outcomeOf(kind, { tables, chains, sets, counters });
    },
  };
}

/** Lists links, routes and proxies, each time with the same answer. */
export function ipJson(): Target {
  let answer: RunResult = { exitCode: 0, stdout: '', stderr: '' };
  const rtnetlink = new IpRtnetlink(answering(() => answer));
  const words = [
    'ifindex',
    'ifname',
    'flags',
    'dst',
    'dev',
    'protocol',
    'table',
    'type',
    'local',
    'unicast',
    'proxy',
    '75',
  ];
  return {
    name: 'ip-json',
    mutate: mutateJson(words),
    feed: async (input) => {
      answer = { exitCode: 0, stdout: input.toString('utf8'), stderr: '' };
      const links = await rtnetlink.links();
      promised(
        links.every(({ ifindex }) => Number.isSafeInteger(ifindex) && ifindex > 0),
        'a link without an index',
      );
      const routes = await observeRoutes(rtnetlink, links);
      const known = [...[...routes.byLink.values()].flatMap((each) => [...each]), ...routes.gateways];
      promised(
        known.every((each) => parseAddress(each) === each),
        'a route to what is no address',
      );
      const proxies = await observeProxies(rtnetlink, links);
      const uplinks = await rtnetlink.defaultRoutes();
      promised(
        uplinks.every(({ family }) => families.includes(family)),
        'a default route of no family',
      );
      return outcomeOf(`${links.length} ${known.length} ${proxies.size} ${uplinks.length}`, { links, routes, proxies });
    },
  };
}

export function ipMonitor(): Target {
  const labels = [
    '[LINK]',
    '[ROUTE]',
    '[ADDR]',
    '[NETCONF]',
    '[NEIGH]',
    'Deleted ',
    'inet ',
    'inet6 ',
    ' rp_filter strict',
  ];
  return {
    name: 'ip-monitor',
    mutate: mutateText([...labels, '<UP>', '@NONE:', ' via ', ' dev ', ' proto 75', ' table local', 'No buffer space']),
    outputBound: (bytes) => 64 * 1024 + 300 * bytes,
    feed: (input) => {
      const events = input
        .toString('utf8')
        .split('\n')
        .flatMap((line) => parseIpLine(line) ?? []);
      for (const event of events) if (event.kind === 'lost') promised(event.reason.length < 300, 'a long reason');
      return outcomeOf([...new Set(events.map(({ kind }) => kind))].sort().join(), events);
    },
  };
}

export function nftMonitor(): Target {
  const verbs = [
    'add rule',
    'delete chain',
    'insert rule',
    'flush',
    '# new generation 9 by process 7 (x)',
    '# handle 7',
  ];
  return {
    name: 'nft-monitor',
    mutate: mutateText([
      ...verbs,
      'inet edera',
      'ip filter',
      'ip6 filter',
      'counter packets 0 bytes 0',
      'No buffer space',
    ]),
    feed: (input): Outcome => {
      const transactions = new NftTransactions();
      const heard = input
        .toString('utf8')
        .split('\n')
        .flatMap((line) => transactions.push(line) ?? []);
      for (const each of heard) if (each.kind === 'trouble') promised(each.words.length <= 200, 'long words');
      const rules = heard.flatMap((each) => (each.kind === 'transaction' ? each.rules : []));
      promised(
        rules.every(({ handle }) => Number.isInteger(handle)),
        'a rule without handle',
      );
      const authors = heard.filter((each) => each.kind === 'transaction' && each.culprit !== undefined).length;
      return outcomeOf(`${heard.length} ${rules.length} ${authors}`, heard);
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
