/** What a benchmark comes to: a table, whether its targets are met, and the machine it ran on. */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { summarize } from './statistics.ts';

export type Cell = string | number | null;

export interface Target {
  readonly what: string;
  readonly value: number | null;
  /** `at most` unless the value is to be at least that. */
  readonly limit: number;
  readonly atLeast?: boolean;
}

export interface Report {
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  readonly targets: readonly Target[];
  /** What one must know to read it. */
  readonly notes: readonly string[];
}

export interface BenchOptions {
  /** Fewer rounds and smaller numbers: shows the order of magnitude in a tenth of the time. */
  readonly quick: boolean;
}

export type Benchmark = (options: BenchOptions) => Promise<Report>;

export interface Noise {
  readonly load: readonly number[];
  /** Milliseconds by which a sleep of one was too long, on a machine that does nothing for us. */
  readonly sleepTooLong: { readonly median: number; readonly p99: number };
}

export function isMet({ value, limit, atLeast = false }: Target): boolean {
  return value !== null && (atLeast ? value >= limit : value <= limit);
}

export function print({ title, rows, targets, notes }: Report): void {
  console.log(`\n${title}`);
  console.table(rows);
  for (const target of targets) {
    const { what, value, limit, atLeast = false } = target;
    const verdict = isMet(target) ? 'met ' : 'MISS';
    console.log(
      `${verdict}  ${what}: ${value ?? 'nothing was measured'} (target ${atLeast ? 'at least' : 'at most'} ${limit})`,
    );
  }
  for (const note of notes) console.log(`  ${note}`);
}

/** The same in each run, with nothing of ours running: what cannot be told from noise is none. */
export async function listen(): Promise<Noise> {
  const late: number[] = [];
  for (let count = 0; count < 500; count += 1) {
    const begin = performance.now();
    await sleep(1);
    late.push(performance.now() - begin - 1);
  }
  const { median, p99 } = summarize(late);
  return { load: loadavg().map((load) => rounded(load)), sleepTooLong: { median: rounded(median), p99: rounded(p99) } };
}

/** E.g. `load 0.2, a sleep of 1 ms 0.1 ms too long in the median and 0.4 ms at p99`. */
export function noiseWords({ load, sleepTooLong: { median, p99 } }: Noise): string {
  return `load ${load[0]}, a sleep of 1 ms ${median} ms too long in the median and ${p99} ms at p99`;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** Count, median, 99th percentile and least, rounded. */
export function figures(series: readonly number[]): { rounds: number; median: number; p99: number; least: number } {
  const { count, median, p99 } = summarize(series);
  return { rounds: count, median: rounded(median), p99: rounded(p99), least: rounded(Math.min(...series)) };
}
