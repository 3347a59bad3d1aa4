/** The host as `doctor` looks at it: with a process for each question, and nothing that stays. */
import { release } from 'node:os';
import { type Family, families } from '../model/address.ts';
import { hasCode } from '../model/errors.ts';
import { birdQuestions, destinationsIn, sessionsIn } from './bird.ts';
import { refusal } from './classify.ts';
import { Inspection } from './inspection.ts';
import type { Fill } from './port.ts';
import { processesHere } from './processes.ts';
import { readIfThere, readNumberIfThere } from './read-if-there.ts';
import type { BirdView, FoundTool, Survey, SurveyedLink, SurveyedRoute, SurveyedTool } from './survey-port.ts';
import type { RunResult, ToolName, Tools } from './tools.ts';

export class ToolSurvey implements Survey {
  readonly kernelRelease = release();
  readonly #tools: Tools;
  readonly #inspection: Inspection;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#inspection = new Inspection(tools);
  }

  async tool(name: SurveyedTool): Promise<FoundTool | undefined> {
    const result = await this.#runIfThere(name, [name === 'ip' ? '-V' : '--version']);
    if (result === undefined) return undefined;
    const [version = ''] = (result.stdout || result.stderr).trim().split('\n');
    return { path: this.#tools.path(name), version };
  }

  async links(): Promise<SurveyedLink[]> {
    return (await this.#inspection.links()).map(({ ifname, mtu, master, lower, kind, addr_info }) => ({
      name: ifname,
      mtu,
      ...{ master, lower, kind },
      addresses: addr_info.map(({ local }) => local),
    }));
  }

  async routes(): Promise<SurveyedRoute[]> {
    const routes = await Promise.all(families.map((family) => this.#inspection.routes(family)));
    return routes.flat().map(({ dst, dev, nexthops = [], ...route }) => ({
      ...route,
      destination: dst,
      devices: [dev, ...nexthops.map((hop) => hop.dev)].filter((device) => device !== undefined),
    }));
  }

  async savedRules(family: Family): Promise<string | undefined> {
    const tool = family === 'ipv4' ? 'iptables-nft-save' : 'ip6tables-nft-save';
    const result = await this.#runIfThere(tool, []);
    if (result !== undefined && result.exitCode !== 0) throw refusal(tool, result.stderr);
    return result?.stdout;
  }

  connections(): Fill | undefined {
    return this.#inspection.connectionCount();
  }

  neighbours(family: Family): Fill | undefined {
    const statistics = readIfThere(`/proc/net/stat/${family === 'ipv4' ? 'arp_cache' : 'ndisc_cache'}`);
    // One line per processor, each with the same number of entries first, in hexadecimal.
    const entries = /\n([\da-f]+) /.exec(statistics ?? '')?.[1];
    const count = entries === undefined ? undefined : Number.parseInt(entries, 16);
    return fill(count, readNumberIfThere(`/proc/sys/net/${family}/neigh/default/gc_thresh3`));
  }

  async bird(): Promise<BirdView | undefined> {
    const protocols = await this.#runIfThere('birdc', birdQuestions.protocols);
    if (protocols === undefined || protocols.exitCode !== 0) return undefined;
    const sessions = sessionsIn(protocols.stdout);
    const ask = async (words: readonly string[]) => destinationsIn((await this.#tools.run('birdc', words)).stdout);
    const exported = new Map<string, ReadonlySet<string>>();
    for (const { name, isUp } of sessions) if (isUp) exported.set(name, await ask(birdQuestions.exported(name)));
    return { sessions, learned: await ask(birdQuestions.learned), exported };
  }

  processes(): ReadonlySet<string> {
    return processesHere();
  }

  async #runIfThere(tool: ToolName, args: readonly string[]): Promise<RunResult | undefined> {
    try {
      this.#tools.path(tool);
    } catch (error) {
      if (hasCode(error, 'tool-missing')) return undefined;
      throw error;
    }
    return this.#tools.run(tool, args);
  }
}

function fill(count: number | undefined, max: number | undefined): Fill | undefined {
  return count === undefined || max === undefined ? undefined : { count, max };
}
