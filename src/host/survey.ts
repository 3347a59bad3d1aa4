/** The host as `doctor` looks at it: with a process for each question, and nothing that stays. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { z } from 'zod';
import { type Family, families, parseAddress } from '../model/address.ts';
import { hasCode } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { parseJson, tieFields, tiesOf } from './ip-json.ts';
import type { Fill, FoundTool, Survey, SurveyedLink, SurveyedRoute, SurveyedTool } from './port.ts';
import { protocolName, routeType, tableName } from './route-numbers.ts';
import type { RunResult, ToolName, Tools } from './tools.ts';

const linkSchema = z.object({
  ifname: z.string(),
  mtu: z.number().int(),
  addr_info: z.array(z.object({ local: z.string().optional() })).default([]),
  ...tieFields,
});
const label = z.union([z.string(), z.number()]);
const routeSchema = z.object({
  dst: z.string(),
  type: z.string().transform(routeType).default('unicast'),
  table: label.transform(tableName).default('main'),
  protocol: label.transform(protocolName).default('boot'),
  dev: z.string().optional(),
  nexthops: z.array(z.object({ dev: z.string().optional() })).default([]),
});

export class ToolSurvey implements Survey {
  readonly kernelRelease = release();
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  async tool(name: SurveyedTool): Promise<FoundTool | undefined> {
    const result = await this.#runIfThere(name, [name === 'ip' ? '-V' : '--version']);
    if (result === undefined) return undefined;
    const [version = ''] = (result.stdout || result.stderr).trim().split('\n');
    return { path: this.#tools.path(name), version };
  }

  async links(): Promise<SurveyedLink[]> {
    return (await this.#ip(['-details', 'address', 'show'], linkSchema)).map(({ ifname, mtu, addr_info, ...ties }) => ({
      name: ifname,
      mtu,
      ...tiesOf(ties),
      addresses: addr_info.flatMap(({ local }) => parseAddress(local ?? '') ?? []),
    }));
  }

  async routes(): Promise<SurveyedRoute[]> {
    const perFamily = await Promise.all(
      families.map(async (family) => {
        const rows = await this.#ip([familyFlag(family), '-details', 'route', 'show', 'table', 'all'], routeSchema);
        return rows.map((row) => toRoute(row, family));
      }),
    );
    return perFamily.flat();
  }

  async savedRules(family: Family): Promise<string | undefined> {
    const tool = family === 'ipv4' ? 'iptables-nft-save' : 'ip6tables-nft-save';
    const result = await this.#runIfThere(tool, []);
    if (result !== undefined && result.exitCode !== 0) throw refusal(tool, result.stderr);
    return result?.stdout;
  }

  connections(): Fill | undefined {
    return fill(
      readNumber('/proc/sys/net/netfilter/nf_conntrack_count'),
      readNumber('/proc/sys/net/netfilter/nf_conntrack_max'),
    );
  }

  neighbours(family: Family): Fill | undefined {
    const statistics = readIfThere(`/proc/net/stat/${family === 'ipv4' ? 'arp_cache' : 'ndisc_cache'}`);
    // One line per processor, each with the same number of entries first, in hexadecimal.
    const entries = /\n([\da-f]+) /.exec(statistics ?? '')?.[1];
    const count = entries === undefined ? undefined : Number.parseInt(entries, 16);
    return fill(count, readNumber(`/proc/sys/net/${family}/neigh/default/gc_thresh3`));
  }

  processes(): ReadonlySet<string> {
    const here = readlinkSync('/proc/self/ns/net');
    const names = readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? nameOf(entry, here) : []));
    return new Set(names);
  }

  async #ip<T>(args: readonly string[], schema: z.ZodType<T>): Promise<T[]> {
    const what = `ip ${args.join(' ')}`;
    const { exitCode, stdout, stderr } = await this.#tools.run('ip', ['-json', '-N', ...args]);
    // IPv6 may be off altogether.
    if (exitCode !== 0 && !/FIB table does not exist|not supported/i.test(stderr)) throw refusal(what, stderr);
    return parseJson(stdout, schema, what);
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

function toRoute(row: z.output<typeof routeSchema>, family: Family): SurveyedRoute {
  const devices = [row.dev, ...row.nexthops.map(({ dev }) => dev)].filter((dev) => dev !== undefined);
  return {
    family,
    destination: row.dst,
    type: row.type,
    table: row.table,
    protocol: row.protocol,
    devices,
  };
}

/** Nothing where the process has ended, or lives in another network namespace. */
function nameOf(pid: string, namespace: string): string[] {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== namespace) return [];
    return [readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd()];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return [];
    throw error;
  }
}

function fill(count: number | undefined, max: number | undefined): Fill | undefined {
  return count === undefined || max === undefined ? undefined : { count, max };
}

function readNumber(path: string): number | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : Number(text);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function familyFlag(family: Family): string {
  return family === 'ipv4' ? '-4' : '-6';
}
