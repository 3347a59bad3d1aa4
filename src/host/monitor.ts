/**
 * Follows the kernel's own events through `ip monitor` and `nft monitor`, and turns each line into a port event.
 *
 * Hazards: `ip -j monitor` prints text, not JSON; on a netlink overflow both tools say so in words and carry on, with
 * events missing; either may die. All of that becomes one `lost` event: re-read everything.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIpLine } from './ip-lines.ts';
import { NftTransactions } from './nft-lines.ts';
import type { HostEvent } from './port.ts';
import { type HelperProcess, startJoined } from './spawn.ts';
import type { ToolName, Tools } from './tools.ts';

/** A line longer than this is a set of tens of thousands of elements; its text is not needed. */
const maxLineLength = 1_000_000;
/** How long a monitor may take until the kernel lists its subscription; 5 to 15 ms are usual. */
const subscriptionDeadlineMs = 3_000;
const restartDelayMs = 200;

/** Netlink protocol numbers, include/uapi/linux/netlink.h. */
const netlinkRoute = 0;
const netlinkNetfilter = 12;

export interface MonitorOptions {
  readonly tools: Tools;
  readonly isOwnPid: (pid: number) => boolean;
  readonly listener: (event: HostEvent) => void;
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #children = new Set<HelperProcess>();
  #closed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** Resolves once the kernel lists both subscriptions. */
  async start(): Promise<void> {
    await Promise.all([this.#followIp(), this.#followNft()]);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const children = [...this.#children];
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.ended));
  }

  #followIp(): Promise<void> {
    const { listener } = this.#options;
    const args = ['-oneline', 'monitor', 'label', 'link', 'address', 'route', 'netconf'];
    return this.#follow('ip', args, netlinkRoute, (child) => {
      const names = new Map<number, string>();
      return (line) => {
        const event = parseIpLine(line);
        if (event === undefined) return;
        listener(event);
        // After a rename, `ip monitor` goes on calling the link by its old name: a new one knows better.
        if (event.kind === 'link' && isRenamed(names, event)) child.kill('SIGKILL');
      };
    });
  }

  #followNft(): Promise<void> {
    const { listener, isOwnPid } = this.#options;
    return this.#follow('nft', ['monitor'], netlinkNetfilter, () => {
      const transactions = new NftTransactions();
      return (line) => {
        const event = transactions.push(line);
        if (event === undefined) return;
        if (event.kind === 'nft' && event.culprit !== undefined && isOwnPid(event.culprit.pid)) return;
        listener(event);
      };
    });
  }

  /** Starts the tool, hands its lines on, and starts it again when it ends. */
  async #follow(
    tool: ToolName,
    args: readonly string[],
    protocol: number,
    makeReader: (child: HelperProcess) => (line: string) => void,
  ): Promise<void> {
    const child = startJoined(this.#options.tools, tool, args);
    this.#children.add(child);
    readLines(child, makeReader(child));
    child.ended.then(
      (how) => this.#restart(child, tool, how, () => this.#follow(tool, args, protocol, makeReader)),
      (error: Error) => this.#restart(child, tool, error.message, () => this.#follow(tool, args, protocol, makeReader)),
    );
    if (!(await isSubscribed(child.pid, protocol)) && !this.#closed) {
      this.#options.listener({
        kind: 'lost',
        reason: `${tool} monitor: no subscription within ${subscriptionDeadlineMs} ms`,
      });
    }
  }

  #restart(child: HelperProcess, tool: ToolName, how: string, again: () => Promise<void>): void {
    this.#children.delete(child);
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed) return;
      again().then(
        () => this.#options.listener({ kind: 'lost', reason: `${tool} monitor ended (${how}) and was started again` }),
        (error: Error) => this.#restart(child, tool, error.message, again),
      );
    }, restartDelayMs);
  }
}

/** Keeps `names` up to date; true where a link is known by another name. */
function isRenamed(names: Map<number, string>, { link, deleted }: Extract<HostEvent, { kind: 'link' }>): boolean {
  const before = names.get(link.ifindex);
  if (deleted) names.delete(link.ifindex);
  else names.set(link.ifindex, link.name);
  return !deleted && before !== undefined && before !== link.name;
}

function readLines(child: HelperProcess, read: (line: string) => void): void {
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) rest = rest.slice(0, 200);
    for (const line of lines) read(line);
  });
}

/** The kernel lists netlink sockets with the process that bound them and a mask of groups: 0 means not yet subscribed. */
async function isSubscribed(pid: number | undefined, protocol: number): Promise<boolean> {
  const deadline = performance.now() + subscriptionDeadlineMs;
  while (performance.now() < deadline) {
    for (const row of readFileSync('/proc/net/netlink', 'utf8').split('\n')) {
      const [, eth, port, groups] = row.trim().split(/\s+/);
      if (eth === String(protocol) && port === String(pid) && groups !== '00000000') return true;
    }
    await delay(2);
  }
  return false;
}
