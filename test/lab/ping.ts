/** Echo requests from one place of the world to an address. */
import { isIpv6 } from './addresses.ts';
import type { Namespace } from './namespace.ts';

export interface PingOptions {
  /** Default 1. */
  readonly count?: number;
  /** How long to wait for the last answer, default 1000. */
  readonly timeoutMs?: number;
  /** Between two requests, in milliseconds, default 20. */
  readonly intervalMs?: number;
  /** Source address: one of the sender's own, see `Zone.forge`. */
  readonly source?: string;
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** One per answer, in the order of arrival. */
  readonly rttMs: readonly number[];
  /** All that ping wrote, for messages. */
  readonly output: string;
}

/** Never throws for a lost packet; nor where the sender has no route. Throws where ping cannot even begin, e.g. without that source address. */
export async function ping(from: Namespace, to: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 1, timeoutMs = 1000, intervalMs = 20, source } = options;
  const { stdout, stderr } = await from.exec(
    'env',
    [
      // What it says is read below.
      ...['LC_ALL=C', 'ping'],
      ...(isIpv6(to) ? ['-6'] : ['-4']),
      '-n',
      ...['-c', String(count), '-W', String(timeoutMs / 1000), '-i', String(intervalMs / 1000)],
      ...(source === undefined ? [] : ['-I', source]),
      to,
    ],
    { timeoutMs: count * intervalMs + timeoutMs + 10_000 },
  );
  const output = `${stdout}${stderr}`;
  const totals = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(stdout);
  if (totals === null) return withoutStatistics(to, output, count);
  const rttMs = [...stdout.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  return { sent: Number(totals[1]), received: Number(totals[2]), rttMs, output };
}

/** A sender whose own kernel has no route received nothing, as certainly as one whose packets got lost. */
function withoutStatistics(to: string, output: string, sent: number): PingResult {
  if (/unreachable/i.test(output)) return { sent, received: 0, rttMs: [], output };
  throw new Error(`ping ${to}: ${output}`);
}
