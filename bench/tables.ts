/** What the benchmarks measured, as a page of tables: `docs/benchmarks.md`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isMet, noiseWords } from './report.ts';

const noise = z.object({
  load: z.array(z.number()),
  sleepTooLong: z.object({ median: z.number(), p99: z.number() }),
});
const made = z.object({
  title: z.string(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  targets: z.array(
    z.object({ what: z.string(), value: z.number().nullable(), limit: z.number(), atLeast: z.boolean().optional() }),
  ),
  notes: z.array(z.string()),
  at: z.string(),
  quick: z.boolean(),
  machine: z.object({ kernel: z.string(), processors: z.number(), node: z.string(), before: noise, after: noise }),
});
type Made = z.infer<typeof made>;
const documentSchema = z.object({ reports: z.record(z.string(), made) });

/** Writes the page and returns its path. */
export function tabulate(document: unknown, directory: string): string {
  const { reports } = documentSchema.parse(document);
  const path = join(directory, 'benchmarks.md');
  const sections = Object.entries(reports).map(([name, report]) => section(name, report));
  writeFileSync(path, `${[head, ...sections].join('\n\n')}\n`);
  return path;
}

const head = `# Benchmarks

Written by \`npm run bench -- all\` from [\`benchmarks.json\`](benchmarks.json). What the figures mean, and why a target is
missed: [performance.md](performance.md).`;

function section(name: string, { title, rows, targets, notes, at, quick, machine }: Made): string {
  // A number as a key comes first in every object, and words are to stand before figures.
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const isText = (key: string) => rows.some((row) => typeof row[key] === 'string');
  const columns = [...keys.filter(isText), ...keys.filter((key) => !isText(key))];
  const verdicts = targets.map((target) => [
    target.what,
    String(target.value ?? 'nothing was measured'),
    `${target.atLeast === true ? '≥' : '≤'} ${target.limit}`,
    isMet(target as Parameters<typeof isMet>[0]) ? 'met' : 'missed',
  ]);
  const command = `npm run bench -- ${name}${quick ? ' --quick' : ''}`;
  const where = `Linux ${machine.kernel}, ${machine.processors} processors, Node ${machine.node}`;
  return [
    `## ${title}`,
    `\`${command}\`, ${at.slice(0, 10)}, ${where}. Before: ${noiseWords(machine.before)}. After: ${noiseWords(machine.after)}.`,
    table(
      columns,
      rows.map((row) => columns.map((column) => String(row[column] ?? ''))),
    ),
    ...(verdicts.length === 0 ? [] : [table(['target', 'measured', 'wanted', ''], verdicts)]),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
  ].join('\n\n');
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
