/** Reads everything that the checks look at, once. What cannot be read is said, and keeps nothing else from being read. */
import { type Config, type ConfigPaths, loadConfig } from '../config/config.ts';
import { observeOutlook } from '../faults/outlook.ts';
import type { Outlook } from '../host/outlook.ts';
import type { Host, LegacyFilter, NftFamily, NftObject, Sysctl } from '../host/port.ts';
import type { Survey, SurveyedTool } from '../host/survey-port.ts';
import { computeDesired } from '../lifecycle/desired.ts';
import { foreignFaults, observeForeignFirewalls } from '../lifecycle/foreign-firewalls.ts';
import { type Family, families } from '../model/address.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import { loadDaemonConfig } from '../policy/daemon-config.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import type { DaemonFacts, Snapshot, Unread, ZonesFacts } from './host-snapshot.ts';
import { observeDropIns, observeFiles } from './observe-files.ts';
import { observeSysctls } from './observe-sysctls.ts';
import { trialOf } from './trial.ts';
import { zonesOfStatus } from './zone-facts.ts';

export interface Eyes {
  readonly survey: Survey;
  readonly sysctl: Pick<Sysctl, 'read'>;
  readonly outlook: Outlook;
  /** Undefined where a tool is missing that it needs. */
  readonly host: Host | undefined;
  /** Asks the running daemon. Called only where the settings say where it listens. */
  askDaemon(socket: string): Promise<DaemonFacts>;
  /** Asks the zone directories themselves. Called only where there is no daemon to ask. */
  askDirectories(host: Host): Promise<ZonesFacts>;
}

const tools: readonly SurveyedTool[] = ['nft', 'ip', 'iptables'];

export async function observe(eyes: Eyes, paths: ConfigPaths): Promise<Snapshot> {
  const { survey, sysctl, host } = eyes;
  const reading = new Reading();
  const { config, configProblem } = await readConfig(paths);
  const found = await Promise.all(
    tools.map(async (name) => [name, await reading.get(name, () => survey.tool(name), undefined)] as const),
  );
  const links = await reading.get('links and addresses', () => survey.links(), []);
  const routes = await reading.get('routes', () => survey.routes(), []);
  const ruleset = host && (await reading.get('rules of nftables', () => readRuleset(host, reading), undefined));
  const daemon = await askDaemon(eyes, config);
  const zones = await readZones(eyes, daemon, config, reading);
  return {
    user: process.geteuid?.() ?? 0,
    kernelRelease: survey.kernelRelease,
    tools: new Map(found),
    paths,
    config,
    configProblem,
    files: await reading.get('permissions of files', () => observeFiles(paths, config), []),
    sysctls: await reading.get(
      'sysctls',
      () =>
        observeSysctls(
          sysctl,
          links.map(({ name }) => name),
        ),
      new Map(),
    ),
    links,
    routes,
    ruleset,
    foreign: ruleset && (await readForeign(eyes, config)),
    outlook: await reading.get('uplinks', () => readOutlook(eyes, zones), undefined),
    trial:
      host &&
      config &&
      ruleset &&
      (await reading.get('a dry run of our rules', () => tryOut(host, config, ruleset), undefined)),
    saved: await readSaved(survey, reading),
    legacy: await readLegacy(eyes, reading),
    daemon,
    zones,
    connections: await reading.get('the connection table', () => survey.connections(), undefined),
    neighbours: await readNeighbours(survey, reading),
    bird: isInFleet(config) ? await reading.get('BIRD', () => survey.bird(), undefined) : undefined,
    processes: await reading.get('processes', () => survey.processes(), new Set()),
    dropIns: observeDropIns(),
    unread: reading.unread,
  };
}

function isInFleet(config: Config | undefined): boolean {
  return (config?.settings.fleet.block.length ?? 0) > 0;
}

class Reading {
  readonly unread: Unread[] = [];

  async get<T>(what: string, read: () => T | Promise<T>, otherwise: T): Promise<T> {
    try {
      return await read();
    } catch (error) {
      // Said by its own check.
      if (!hasCode(error, 'tool-missing')) this.unread.push({ what, why: messageOf(error) });
      return otherwise;
    }
  }
}

async function readConfig(paths: ConfigPaths): Promise<Pick<Snapshot, 'config' | 'configProblem'>> {
  let config: Config | undefined;
  try {
    config = loadConfig(paths);
    return { config: await loadDaemonConfig(paths), configProblem: undefined };
  } catch (error) {
    return { config, configProblem: messageOf(error) };
  }
}

/** Table by table: one that cannot be printed leaves the others. */
async function readRuleset(host: Host, reading: Reading): Promise<NftObject[]> {
  const lists: NftObject[][] = [];
  for (const { family, name } of await host.nft.tables()) {
    const what = `the nftables table ${family} ${name}`;
    lists.push((await reading.get(what, () => host.nft.rules(family as NftFamily, name), undefined)) ?? []);
  }
  return lists.flat();
}

async function readForeign({ host }: Eyes, config: Config | undefined) {
  if (host === undefined || config === undefined) return undefined;
  return foreignFaults(await observeForeignFirewalls(host), config);
}

/** Zones are asked about where they are served: until then nothing leads to them. */
async function readOutlook({ outlook }: Eyes, zones: ZonesFacts | undefined) {
  const links = await outlook.links();
  const indices = new Map(links.map(({ name, ifindex }) => [name, ifindex]));
  const served = (zones?.zones ?? []).flatMap(({ link, addresses, state }) => {
    const ifindex = indices.get(link);
    return state === 'ready' && ifindex !== undefined ? [{ ifindex, addresses }] : [];
  });
  return observeOutlook(outlook, links, served);
}

async function tryOut(host: Host, config: Config, ruleset: readonly NftObject[]) {
  const { layout } = computeDesired({
    config,
    hasIpv6: hasIpv6(host.sysctl),
    links: [],
    directories: [],
    holders: new Map(),
    served: new Map(),
  });
  return { refusal: await host.nft.refusalOf(trialOf(layout, ruleset)) };
}

async function readSaved(survey: Survey, reading: Reading): Promise<Map<Family, string>> {
  const saved = new Map<Family, string>();
  for (const family of families) {
    const text = await reading.get(`${family} rules of iptables`, () => survey.savedRules(family), undefined);
    if (text !== undefined) saved.set(family, text);
  }
  return saved;
}

async function readLegacy({ host }: Eyes, reading: Reading): Promise<Snapshot['legacy']> {
  const tables = new Map<Family, LegacyFilter>();
  if (host === undefined) return tables;
  for (const family of families) {
    const what = `the ${family} tables of iptables-legacy`;
    const filter = await reading.get(what, () => host.legacyFilter(family), undefined);
    if (filter !== undefined) tables.set(family, filter);
  }
  return tables;
}

async function readNeighbours(survey: Survey, reading: Reading): Promise<Snapshot['neighbours']> {
  const tables = new Map();
  for (const family of families) {
    const fill = await reading.get('the neighbour tables', () => survey.neighbours(family), undefined);
    if (fill !== undefined) tables.set(family, fill);
  }
  return tables;
}

async function askDaemon(eyes: Eyes, config: Config | undefined): Promise<DaemonFacts> {
  if (config === undefined) return { kind: 'unknown', why: 'the settings that say where it answers are wrong' };
  return eyes.askDaemon(config.settings.control.socket);
}

async function readZones(eyes: Eyes, daemon: DaemonFacts, config: Config | undefined, reading: Reading) {
  if (daemon.kind === 'answers') return zonesOfStatus(daemon.status);
  const { host } = eyes;
  if (host === undefined || config === undefined) return undefined;
  return reading.get('the zone directories', () => eyes.askDirectories(host), undefined);
}
