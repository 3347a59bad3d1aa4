/** The benchmarks by name. */
import { benchBurst, benchRemoval } from './burst.ts';
import { benchDns } from './dns.ts';
import { benchFiles } from './files.ts';
import { benchFirstPing } from './first-ping.ts';
import { benchFleet } from './fleet.ts';
import { benchFlows } from './flows.ts';
import { benchRepair } from './flush-ruleset.ts';
import { benchForwarding } from './forwarding.ts';
import { benchLink } from './link.ts';
import { benchObjects } from './objects.ts';
import { benchPass } from './pass.ts';
import { benchPolicies } from './policies.ts';
import type { Benchmark } from './report.ts';
import { benchIdle, benchMemory } from './rest.ts';
import { benchStart, benchStatusStart } from './start.ts';

export const benchmarks: Readonly<Record<string, { readonly what: string; readonly run: Benchmark }>> = {
  link: { what: 'one link, from its event to everything in place, beside others', run: benchLink },
  'first-ping': { what: 'from a link’s event to the first answered ping', run: benchFirstPing },
  burst: { what: 'many links at once: lag and CPU time', run: benchBurst },
  removal: { what: 'the end of one zone and of many', run: benchRemoval },
  files: { what: 'thousands of zone files at once: how long nobody is answered', run: benchFiles },
  forwarding: { what: 'cost of a forwarded packet by the number of zones', run: benchForwarding },
  fleet: {
    what: 'two dom0s among 200: when zones are known elsewhere, and what routes and rules cost',
    run: benchFleet,
  },
  start: { what: 'starts over zones that wait, and over zones that are right', run: benchStart },
  'status-start': { what: 'from exec to the first byte of a command', run: benchStatusStart },
  pass: { what: 'CPU time of one change among many zones', run: benchPass },
  repair: { what: 'from nft flush ruleset to a zone that reaches the internet', run: benchRepair },
  policies: { what: 'what policies cost: packets, reloads, and a foreign flush', run: benchPolicies },
  dns: { what: 'names of policed zones: added time, answers a second, memory', run: benchDns },
  flows: { what: 'what it costs to watch connections begin and end', run: benchFlows },
  memory: { what: 'memory with few and many zones, and after many births', run: benchMemory },
  idle: { what: 'CPU time while nothing happens', run: benchIdle },
  objects: { what: 'how the kernel’s costs grow with its objects', run: benchObjects },
};

/** Those with a command line of their own. */
export const programs: Readonly<Record<string, { readonly what: string; readonly file: string }>> = {
  directories: { what: 'from a zone directory’s word to a reachable zone', file: 'directories.ts' },
  flush: { what: 'how long forged IPv6 gets out after a foreign flush', file: 'flush.ts' },
  'repair-kinds': { what: 'from each kind of foreign change to the restored state', file: 'repair.ts' },
  soak: { what: 'births and deaths without end: memory, files, leftovers', file: 'soak.ts' },
  attacks: { what: 'what gets out of a zone that lies', file: 'attacks.ts' },
};
