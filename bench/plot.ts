/**
 * Draws what the benchmarks measured: `node bench/plot.ts FILE [DIRECTORY]` makes `latency.svg`, `cost-per-packet.svg`
 * and the page `benchmarks.md` in `docs` from what `npm run bench -- all --json FILE` wrote.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { tabulate } from './tables.ts';

const row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
/** As the benchmarks write it; the rest of a report is kept as it is. */
export const documentSchema = z.object({
  reports: z.record(z.string(), z.looseObject({ at: z.string(), rows: z.array(row) })),
});
type Row = z.infer<typeof row>;

/** Returns the files that were written: a benchmark that was not run has no picture. */
export function draw(file: string, directory: string): string[] {
  const document = readJson(file);
  const { reports } = documentSchema.parse(document);
  mkdirSync(directory, { recursive: true });
  const pictures = [
    ['latency.svg', reports['link'] && latency(reports['link'].rows, reports['link'].at)],
    ['cost-per-packet.svg', reports['forwarding'] && cost(reports['forwarding'].rows, reports['forwarding'].at)],
  ] as const;
  const drawn = pictures.flatMap(([name, svg]) => {
    if (svg === undefined) return [];
    writeFileSync(join(directory, name), svg);
    return [join(directory, name)];
  });
  return [...drawn, tabulate(document, directory)];
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

const style = `<style>
text { font: 13px sans-serif; fill: #333 } .title { font-size: 16px; font-weight: bold } .small { font-size: 11px; fill: #777 }
.bar { fill: #8fa8c8 } .ours { fill: #d2691e } line { stroke: #ddd } polyline { fill: none; stroke-width: 2 }
</style>`;

function picture(width: number, height: number, parts: readonly string[]): string {
  const frame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`;
  return `${frame}\n<title>Figures of the benchmarks</title>\n${style}\n<rect width="${width}" height="${height}" fill="white"/>\n${parts.join('\n')}\n</svg>\n`;
}

function label(x: number, y: number, words: string, options = ''): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" ${options}>${safe}</text>`;
}

/** Bars on a logarithmic scale, the median; a thin line goes to p99. */
function latency(rows: readonly Row[], at: string): string {
  const entries = rows.map((each) => ({
    by: String(each['by']),
    median: Number(each['median']),
    p99: Number(each['p99']),
  }));
  const [left, width, top, step] = [150, 520, 60, 36];
  const scale = logarithmic(
    entries.flatMap(({ median, p99 }) => [median, p99]),
    left,
    left + width,
  );
  const bottom = top + entries.length * step;
  return picture(left + width + 90, bottom + 60, [
    label(20, 30, 'A link appears: milliseconds until everything is in place', 'class="title"'),
    ...scale.ticks.flatMap((value) => [
      `<line x1="${round(scale.at(value))}" y1="${top - 8}" x2="${round(scale.at(value))}" y2="${bottom}"/>`,
      label(scale.at(value), bottom + 18, `${value}`, 'text-anchor="middle"'),
    ]),
    ...entries.flatMap(({ by, median, p99 }, index) => {
      const y = top + index * step;
      const [from, to, far] = [scale.at(scale.least), scale.at(median), scale.at(p99)];
      return [
        label(left - 10, y + 16, by, 'text-anchor="end"'),
        `<rect class="${by === 'ours' ? 'ours' : 'bar'}" x="${round(from)}" y="${y}" width="${round(to - from)}" height="22"/>`,
        `<line x1="${round(to)}" y1="${y + 11}" x2="${round(far)}" y2="${y + 11}" style="stroke:#555"/>`,
        label(far + 6, y + 16, `${median} ms`),
      ];
    }),
    label(
      20,
      bottom + 45,
      `bar: median, line: to p99; logarithmic; npm run bench -- link, ${at.slice(0, 10)}`,
      'class="small"',
    ),
  ]);
}

/** A colour for each stream of packets; the documented rules' lines are dashed. */
const colours = ['#d2691e', '#2e8b57', '#8b3a8b', '#4682b4', '#555555'];

/** Lines over the number of zones, both scales logarithmic. */
function cost(rows: readonly Row[], at: string): string {
  const lines = rows
    .map((each) => ({
      name: `${each['stream']}, ${each['rules']}`,
      stream: each['stream'],
      isDashed: each['rules'] !== 'ours',
      points: pointsOf(each),
    }))
    .filter(({ points }) => points.length > 1);
  const [left, width, top, height] = [90, 480, 60, 320];
  const streams = [...new Set(rows.map((each) => each['stream']))];
  const across = logarithmic(
    lines.flatMap(({ points }) => points.map(([zones]) => zones)),
    left,
    left + width,
  );
  const up = logarithmic(
    lines.flatMap(({ points }) => points.map(([, cost]) => cost)),
    top + height,
    top,
  );
  return picture(left + width + 270, top + height + 70, [
    label(20, 30, 'What a forwarded packet costs: nanoseconds, by the number of zones', 'class="title"'),
    ...up.ticks.flatMap((value) => [
      `<line x1="${left}" y1="${round(up.at(value))}" x2="${left + width}" y2="${round(up.at(value))}"/>`,
      label(left - 8, up.at(value) + 4, value.toLocaleString('en'), 'text-anchor="end"'),
    ]),
    ...across.ticks.map((value) =>
      label(across.at(value), top + height + 20, value.toLocaleString('en'), 'text-anchor="middle"'),
    ),
    ...lines.flatMap(({ name, stream, isDashed, points }, index) => {
      const colour = colours[streams.indexOf(stream) % colours.length];
      const dashes = isDashed ? ';stroke-dasharray:6 4' : '';
      const y = top + 2 + index * 22;
      const path = points.map(([zones, each]) => `${round(across.at(zones))},${round(up.at(each))}`).join(' ');
      return [
        `<polyline points="${path}" style="stroke:${colour}${dashes}"/>`,
        `<polyline points="${left + width + 20},${y} ${left + width + 46},${y}" style="stroke:${colour}${dashes}"/>`,
        label(left + width + 54, y + 5, name),
      ];
    }),
    label(
      20,
      top + height + 55,
      `both scales logarithmic; npm run bench -- forwarding, ${at.slice(0, 10)}`,
      'class="small"',
    ),
  ]);
}

function pointsOf(each: Row): [zones: number, cost: number][] {
  return Object.entries(each).flatMap(([column, value]): [number, number][] => {
    const zones = /^(\d+) zones$/.exec(column)?.[1];
    return zones === undefined || typeof value !== 'number' ? [] : [[Number(zones), value]];
  });
}

/** From the power of ten below the least to the one above the most. */
function logarithmic(values: readonly number[], from: number, to: number) {
  const exponents = values.filter((value) => value > 0).map(Math.log10);
  const [low, high] = [
    Math.floor(Math.min(...exponents)),
    Math.max(Math.ceil(Math.max(...exponents)), Math.floor(Math.min(...exponents)) + 1),
  ];
  const at = (value: number) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(1)));
  return { at, ticks, least: 10 ** low };
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

const [file, directory = join(import.meta.dirname, '../docs')] = process.argv.slice(2);
if (import.meta.main) {
  if (file === undefined) throw new Error('which JSON file?');
  for (const path of draw(file, directory)) console.log(path);
}
