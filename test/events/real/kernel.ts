/** A network namespace as the events see it: what others do there by their own tools, and its making anew between sequences. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { furniture } from '../foreign-events.ts';
import type { Act } from '../stage.ts';

const run = promisify(execFile);
const outputLimit = 64 * 1024 * 1024;

export class Kernel {
  readonly #directory: string;
  readonly #peers: string;
  /** Undefined: the namespace of this very process. */
  readonly #namespace: string | undefined;
  #files = 0;
  #links = 0;

  /** `directory` takes files for nft, the namespace `peers` the far ends of links. */
  constructor(directory: string, peers: string, namespace?: string) {
    this.#directory = directory;
    this.#peers = peers;
    this.#namespace = namespace;
  }

  /** Runs a tool inside; returns what it printed. Throws where it fails. */
  async tool(name: string, ...args: readonly string[]): Promise<string> {
    const [command = '', ...rest] =
      this.#namespace === undefined ? [name, ...args] : ['ip', 'netns', 'exec', this.#namespace, name, ...args];
    return (await run(command, rest, { maxBuffer: outputLimit })).stdout;
  }

  /** The same for lists in JSON: some tools print nothing for an empty one. */
  async list(name: string, ...args: readonly string[]): Promise<Record<string, unknown>[]> {
    const text = await this.tool(name, ...args);
    return text.trim() === '' ? [] : JSON.parse(text);
  }

  /** Throws where the kernel refuses. */
  async perform(act: Act): Promise<void> {
    if (act.kind === 'nft') await this.#nft(act);
    else if (act.kind === 'proxy-add') await this.tool('ip', 'neigh', 'add', 'proxy', act.address, 'dev', act.device);
    else if (act.kind === 'sysctl') {
      const { family, group, link, key } = act.path;
      await this.tool('sysctl', '-q', '-w', `net/${family}/${group}/${link}/${key}=${act.value}`);
    } else {
      const { family, destination, device, protocol = 'static', table, type } = act.route;
      const verb = act.kind === 'route-add' ? 'add' : 'del';
      const place = [...(type === 'other' ? ['blackhole'] : []), destination];
      const rest = [
        ...(device === undefined ? [] : ['dev', device]),
        ...(table === undefined ? [] : ['table', table]),
        'proto',
        protocol,
      ];
      await this.tool('ip', family === 'ipv4' ? '-4' : '-6', 'route', verb, ...place, ...rest);
    }
  }

  /** Like new: no link but `lo`, no rule, no route; then an `eth0` that is up, and what others have from the start. */
  async furnish(pristine: Sysctls): Promise<void> {
    await this.#clear();
    await this.#restore(pristine);
    await this.addLink('eth0');
    await this.#batch('-4', [
      // The same in each: what follows from the hardware address must not tell them apart.
      'link set eth0 addrgenmode none address 02:00:00:00:00:01 up',
      'address add 192.0.2.1/24 dev eth0',
    ]);
    for (const act of furniture) await this.perform(act);
  }

  /** DOWN, with a carrier. Throws where there is one of that name. */
  async addLink(name: string): Promise<void> {
    this.#links += 1;
    const peer = `${this.#namespace === undefined ? 'here' : 'there'}${this.#links}`;
    await this.tool('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', this.#peers);
    await run('ip', ['-n', this.#peers, 'link', 'set', peer, 'up']);
  }

  async #clear(): Promise<void> {
    const links = await this.list('ip', '-j', 'link', 'show');
    const gone = links.flatMap(({ ifname }) => (ifname === 'lo' ? [] : [`link del ${ifname}`]));
    const flushes = ['75', 'static', 'boot', 'bgp'].map((protocol) => `route flush table all proto ${protocol}`);
    await this.tool('nft', 'flush', 'ruleset');
    await this.#batch('-4', [...gone, 'link set lo up', ...flushes]);
    await this.#batch('-6', flushes);
  }

  /** Commands of `ip`; it is no failure that there is nothing to flush. */
  async #batch(family: string, lines: readonly string[]): Promise<void> {
    this.#files += 1;
    const file = join(this.#directory, `${this.#namespace ?? 'here'}-${this.#files % 16}.batch`);
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    await this.tool('ip', family, '-force', '-batch', file).catch((error: { stderr?: string }) => {
      if (!/FIB table does not exist/.test(error.stderr ?? '')) throw error;
    });
  }

  /** What holds for all links, and for those to come. */
  async sysctls(): Promise<Sysctls> {
    return new Map((await this.sysctlLines(['all', 'default'])).map((line) => line.split('=') as [string, string]));
  }

  async #restore(pristine: Sysctls): Promise<void> {
    const now = await this.sysctls();
    const changed = [...pristine].filter(([key, value]) => now.get(key) !== value);
    // Forwarding first: it turns others along.
    changed.sort(([a], [b]) => Number(b.endsWith('/forwarding')) - Number(a.endsWith('/forwarding')));
    const words = changed.map(([key, value]) => `${key.replace('/proc/sys/', '')}=${value}`);
    if (words.length > 0) await this.tool('sysctl', '-q', '-w', ...words);
  }

  /** `/proc/sys/net/…=value` of every setting of these links. */
  async sysctlLines(links: readonly string[]): Promise<string[]> {
    const places = links.flatMap((link) =>
      ['ipv4/conf', 'ipv6/conf', 'ipv4/neigh', 'ipv6/neigh'].map((group) => `/proc/sys/net/${group}/${link}`),
    );
    // Some of them nobody may read, and links go: what is printed counts.
    const text = await this.tool('grep', '-rs', '.', ...places).catch(
      (error: { stdout?: string }) => error.stdout ?? '',
    );
    return text.split('\n').flatMap((line) => (line === '' ? [] : line.replace(':', '=')));
  }

  async #nft({ commands, iptables }: Extract<Act, { kind: 'nft' }>): Promise<void> {
    if (iptables !== undefined) {
      for (const args of iptables) await this.tool('iptables-nft', '-w', ...args);
      return;
    }
    this.#files += 1;
    const file = join(this.#directory, `${this.#namespace ?? 'here'}-${this.#files % 16}.json`);
    await writeFile(file, JSON.stringify({ nftables: commands }));
    await this.tool('nft', '-j', '-f', file);
  }
}

/** By file under /proc/sys. */
export type Sysctls = ReadonlyMap<string, string>;
