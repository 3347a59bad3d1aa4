/**
 * Follows the kernel's own events through `ip monitor` and `nft monitor`, and turns each line into a port event.
 *
 * Hazards: `ip -j monitor` prints text, not JSON; on a netlink overflow both tools say so in words and carry on, with
 * events missing; either may die. All of that becomes one `lost` event: re-read everything.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseIpLine } from './ip-lines.ts';
import { type NftTrace, type NftTransaction, NftTransactions } from './nft-lines.ts';
import type { HostEvent } from './port.ts';
import { parentOf } from './process-name.ts';
import { type HelperProcess, startJoined } from './spawn.ts';
import type { ToolName, Tools } from './tools.ts';

/** A line longer than this is a set of tens of thousands of elements; its text is not needed. */
const maxLineLength = 1_000_000;
/**
 * How long a monitor may take until the kernel lists its subscription; 5 to 15 ms are usual. Twice as long with each failure
 * in a row: a host that is starved is not helped by one more start.
 */
const subscriptionDeadlineMs = 10_000;
const longestSubscriptionDeadlineMs = 160_000;
/** Twice as long with each failure in a row: a tool that cannot run must not keep the host busy. */
const restartDelayMs = 200;
const longestRestartDelayMs = 10_000;
/**
 * With iproute2's own 1 MiB, 1000 links that came up at once overflowed it. The kernel cuts it down to net.core.rmem_max,
 * which is 4 MiB on 6.18 and 208 KiB on older hosts; nft asks for as much by itself, and is given it.
 */
const receiveBufferBytes = 16 * 1024 * 1024;
/** A breath, so that a flood of events does not become a flood of processes. */
const overflowDelayMs = 20;

/** nft's monitor never frees what it has heard of: 130 bytes a line, measured with 1.0.6. A zone's life is some 25 lines. */
const maxNftLines = 100_000;

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
  /** Ends in a row without a subscription, by tool. */
  readonly #failures = new Map<ToolName, number>();
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
    const size = String(receiveBufferBytes);
    const args = ['-oneline', '-rcvbuf', size, 'monitor', 'label', 'link', 'address', 'route', 'netconf'];
    return this.#follow({ tool: 'ip', args, protocol: netlinkRoute }, () => {
      const names = new Map<number, string>();
      return (line) => {
        const event = parseIpLine(line);
        if (event?.kind === 'lost') return event.reason;
        if (event !== undefined) listener(event);
        const isOutdated = event?.kind === 'link' && isRenamed(names, event);
        return isOutdated ? 'ip monitor goes on calling a renamed link by its old name' : undefined;
      };
    });
  }

  #followNft(): Promise<void> {
    const { listener, isOwnPid } = this.#options;
    return this.#follow({ tool: 'nft', args: ['--handle', 'monitor'], protocol: netlinkNetfilter }, () => {
      const transactions = new NftTransactions();
      return upTo(maxNftLines, (line) => {
        const heard = transactions.push(line);
        if (heard?.kind === 'trouble') return `nft monitor: ${heard.words}`;
        const event = heard === undefined ? undefined : eventOf(heard, isOwnPid);
        if (event !== undefined) listener(event);
        return undefined;
      });
    });
  }

  /**
   * Starts the tool, hands its lines on, and starts it again when it ends or its reader says why it is of no more use.
   * After an overflow that is so at once: the kernel reports it ahead of what is still queued, and those events are older
   * than the ones that are lost, so that a listing made now would be undone by them.
   */
  async #follow(source: Source, makeReader: () => LineReader): Promise<void> {
    const child = startJoined(this.#options.tools, source.tool, source.args);
    this.#children.add(child);
    const read = makeReader();
    let uselessness: string | undefined;
    readLines(child, (line) => {
      if (uselessness !== undefined) return;
      uselessness = read(line);
      if (uselessness !== undefined) child.kill('SIGKILL');
    });
    const restart = (how: string) => this.#restart(child, source, makeReader, uselessness, how);
    child.ended.then(restart, (error: Error) => restart(error.message));
    let isEnded = false;
    const noteEnd = () => {
      isEnded = true;
    };
    child.ended.then(noteEnd, noteEnd);
    const failures = this.#failures.get(source.tool) ?? 0;
    const deadlineMs = Math.min(longestSubscriptionDeadlineMs, subscriptionDeadlineMs * 2 ** failures);
    if (await isSubscribed(child.pid, source.protocol, deadlineMs, () => isEnded)) {
      this.#failures.delete(source.tool);
    } else if (!isEnded && !this.#closed && uselessness === undefined) {
      // Deaf and alive: its end starts the next one.
      uselessness = `${source.tool} monitor: no subscription within ${deadlineMs} ms`;
      child.kill('SIGKILL');
    }
  }

  #restart(
    child: HelperProcess,
    source: Source,
    makeReader: () => LineReader,
    uselessness: string | undefined,
    how: string,
  ): void {
    this.#children.delete(child);
    if (this.#closed) return;
    const reason = uselessness ?? `${source.tool} monitor ended (${how})`;
    const failures = this.#failures.get(source.tool) ?? 0;
    this.#failures.set(source.tool, failures + 1);
    setTimeout(
      () => {
        if (this.#closed) return;
        this.#follow(source, makeReader).then(
          () => this.#options.listener({ kind: 'lost', reason: `${reason}; started again` }),
          (error: Error) => this.#restart(child, source, makeReader, undefined, error.message),
        );
      },
      failures === 0 && uselessness !== undefined
        ? overflowDelayMs
        : Math.min(longestRestartDelayMs, restartDelayMs * 2 ** failures),
    );
  }
}

function eventOf(heard: NftTransaction | NftTrace, isOwnPid: (pid: number) => boolean): HostEvent | undefined {
  if (heard.kind === 'trace') return { ...heard, kind: 'traced' };
  const { tables, rules, culprit } = heard;
  if (culprit === undefined) return { kind: 'nft', tables, culprit };
  if (!isOwnPid(culprit.pid)) return { kind: 'nft', tables, culprit: { ...culprit, parent: parentOf(culprit.pid) } };
  return rules.length > 0 ? { kind: 'own-rules', rules } : undefined;
}

interface Source {
  readonly tool: ToolName;
  readonly args: readonly string[];
  /** Netlink protocol of its subscription. */
  readonly protocol: number;
}

/** Returns why the tool is to be started anew, if so. */
type LineReader = (line: string) => string | undefined;

function upTo(mostLines: number, read: LineReader): LineReader {
  let lines = 0;
  return (line) => {
    lines += 1;
    return lines > mostLines ? `nft monitor has told ${mostLines} lines and is replaced before it grows` : read(line);
  };
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
async function isSubscribed(
  pid: number | undefined,
  protocol: number,
  deadlineMs: number,
  isEnded: () => boolean,
): Promise<boolean> {
  const begun = performance.now();
  for (let waited = 0; waited < deadlineMs && !isEnded(); waited = performance.now() - begun) {
    for (const row of readFileSync('/proc/net/netlink', 'utf8').split('\n')) {
      const [, eth, port, groups] = row.trim().split(/\s+/);
      if (eth === String(protocol) && port === String(pid) && groups !== '00000000') return true;
    }
    await delay(2 + waited / 100);
  }
  return false;
}
