/** The benchmarks by name. */
import { benchLink } from './link.ts';
import type { Benchmark } from './report.ts';

export const benchmarks: Readonly<Record<string, { readonly what: string; readonly run: Benchmark }>> = {
  link: { what: 'one link, from its event to everything in place, beside others', run: benchLink },
};

/** Those with a command line of their own. */
export const programs: Readonly<Record<string, { readonly what: string; readonly file: string }>> = {
  directories: { what: 'from a zone directory’s word to a reachable zone', file: 'directories.ts' },
  flush: { what: 'how long forged IPv6 gets out after a foreign flush', file: 'flush.ts' },
  'repair-kinds': { what: 'from each kind of foreign change to the restored state', file: 'repair.ts' },
  soak: { what: 'births and deaths without end: memory, files, leftovers', file: 'soak.ts' },
  attacks: { what: 'what gets out of a zone that lies', file: 'attacks.ts' },
};
