/** What `report` gathers from a host: what tools print, what this program's own commands print, and files of the kernel's. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { version as kernelVersion, release } from 'node:os';
import { basename, join } from 'node:path';
import { type Family, families } from '../model/address.ts';
import { errnoOf, ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { legacySaveTool, legacyTables } from './legacy-filter.ts';
import { readIfThere } from './read-if-there.ts';
import { ToolSurvey } from './survey.ts';
import { type RunResult, runFile, type ToolName, type Tools } from './tools.ts';

export class Probe {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** What it prints. Throws `tool-missing`, `timeout`, or what it says where it fails. */
  async tool(name: ToolName, args: readonly string[], timeoutMs: number): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#tools.run(name, args, { timeoutMs });
    if (exitCode !== 0) throw refusal([name, ...args].join(' '), stderr);
    return stdout;
  }

  /** Another command of this program, in a process of its own. Throws `timeout`. */
  command(args: readonly string[], timeoutMs: number): Promise<RunResult> {
    return this.#node(`protect-network ${args[0] ?? ''}`, [process.argv[1] ?? '', ...args], timeoutMs);
  }

  /** As JSON. See `facts-program.ts`. */
  async facts(timeoutMs: number): Promise<string> {
    // The bundle has it as a file beside its own.
    const names = ['host-facts.cjs', 'facts-program.ts'];
    const program = names.map((name) => join(import.meta.dirname, name)).find((path) => existsSync(path));
    if (program === undefined) throw new ProtectNetworkError('vanished', `no ${names[0]} in ${import.meta.dirname}`);
    const { exitCode, stdout, stderr } = await this.#node('systeminformation', [program], timeoutMs);
    if (exitCode !== 0) throw refusal('systeminformation', stderr);
    return stdout;
  }

  /** Of the kernel, of Node, and of the tools that this program starts; what is missing is said. */
  async versions(): Promise<string[]> {
    const survey = new ToolSurvey(this.#tools);
    const tools = await Promise.all(
      (['nft', 'ip', 'iptables'] as const).map(async (name) => {
        const found = await survey.tool(name);
        return `${name}: ${found === undefined ? 'not installed' : `${found.version} (${found.path})`}`;
      }),
    );
    return [`kernel: ${release()} ${kernelVersion()}`, `node: ${process.version}`, ...tools];
  }

  /** What the kernel says of the hypervisor below it, `key = value`; none on bare metal. */
  hypervisor(): string[] {
    const keys = ['type', 'version/major', 'version/minor', 'version/extra', 'properties/features'];
    const found = keys.map((key) => [`/sys/hypervisor/${key}`, readIfThere(`/sys/hypervisor/${key}`)]);
    const capabilities = '/proc/xen/capabilities';
    const all = [...found, [capabilities, readIfThere(capabilities)]];
    return all.flatMap(([path, text]) => (text === undefined ? [] : [`${path} = ${text.trim()}`]));
  }

  /** `LINK: DRIVER (BUS)` for each link that has a device. */
  drivers(): string[] {
    return readdirSync('/sys/class/net').flatMap((link) => {
      const device = `/sys/class/net/${link}/device`;
      const [driver, bus] = ['driver', 'subsystem'].map((name) => targetOf(join(device, name)));
      return driver === undefined && bus === undefined ? [] : [`${link}: ${driver ?? 'no driver'} (${bus})`];
    });
  }

  /** Of whole /proc/sys/net, as sysctl(8) prints them. What is a secret, or is only written, is left out. */
  sysctls(): string[] {
    return sysctlsBelow('/proc/sys/net');
  }

  /** Families that have tables of iptables-legacy: to ask for others would make them. */
  legacyFamilies(): Family[] {
    return families.filter((family) => legacyTables(family).length > 0);
  }

  legacyRules(family: Family, timeoutMs: number): Promise<string> {
    return this.tool(legacySaveTool[family], [], timeoutMs);
  }

  #node(name: string, args: readonly string[], timeoutMs: number): Promise<RunResult> {
    const { environment } = this.#tools;
    return runFile(process.execPath, [...process.execArgv, ...args], { name, environment, timeoutMs });
  }
}

function targetOf(link: string): string | undefined {
  try {
    return basename(readlinkSync(link));
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Who knows the first can forge cookies of TCP Fast Open; of the second follow the addresses that hosts give themselves (RFC 7217). */
const secretSysctls: ReadonlySet<string> = new Set(['tcp_fastopen_key', 'stable_secret']);

function sysctlsBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sysctlsBelow(path);
    if (secretSysctls.has(entry.name)) return [];
    try {
      const [value = ''] = readFileSync(path, 'utf8').trimEnd().split('\n');
      return [`${path.slice('/proc/sys/'.length)} = ${value}`];
    } catch (error) {
      // A link that has gone, or a file that is only written or has no value.
      if (errnoOf(error) === undefined) throw error;
      return [];
    }
  });
}
