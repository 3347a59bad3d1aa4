/** What a process and its children hold, and whether it grows. */
import { readdirSync, readFileSync } from 'node:fs';
import { readUnlessGone, unlessGone } from './proc.ts';

export interface Sample {
  readonly births: number;
  /** Private dirty memory: what this process alone is the cause of. */
  readonly daemonKiB: number;
  readonly residentKiB: number;
  readonly helpersKiB: number;
  /** Open files of the daemon and its helpers. */
  readonly files: number;
}

type Figure = 'daemonKiB' | 'residentKiB' | 'helpersKiB' | 'files';

export function sampleOf(pid: number, births: number): Sample {
  const helpers = childrenOf(pid);
  return {
    births,
    daemonKiB: field(pid, 'smaps_rollup', 'Private_Dirty'),
    residentKiB: field(pid, 'smaps_rollup', 'Rss'),
    helpersKiB: helpers.reduce((sum, helper) => sum + field(helper, 'smaps_rollup', 'Private_Dirty'), 0),
    files: [pid, ...helpers].reduce(
      (sum, process) => sum + unlessGone(() => readdirSync(`/proc/${process}/fd`).length, 0),
      0,
    ),
  };
}

/** The median of the last quarter less that of the first. */
export function growth(samples: readonly Sample[], figure: Figure): number {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  return median(samples.slice(-quarter), figure) - median(samples.slice(0, quarter), figure);
}

/** By least squares. */
export function slopePerThousand(samples: readonly Sample[], figure: Figure): number {
  const count = Math.max(1, samples.length);
  const meanX = samples.reduce((sum, { births }) => sum + births, 0) / count;
  const meanY = samples.reduce((sum, sample) => sum + sample[figure], 0) / count;
  let [products, squares] = [0, 0];
  for (const sample of samples) {
    products += (sample.births - meanX) * (sample[figure] - meanY);
    squares += (sample.births - meanX) ** 2;
  }
  return squares === 0 ? 0 : Math.round((products / squares) * 1000 * 10) / 10;
}

function median(samples: readonly Sample[], figure: Figure): number {
  const sorted = samples.map((sample) => sample[figure]).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number).filter(isLasting);
}

/** Those that live as long as the daemon; the others come and go with a listing or a large transaction. */
function isLasting(pid: number): boolean {
  return /monitor|interactive|-batch/.test(readUnlessGone(`/proc/${pid}/cmdline`));
}

/** KiB, as every line of these files ends; 0 for a helper that has just ended. */
function field(pid: number, file: string, name: string): number {
  const text = readUnlessGone(`/proc/${pid}/${file}`);
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
