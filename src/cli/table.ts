/** Tables that fit: columns as wide as what they hold, and the least important ones left out where there is no room. Pure. */
import type { Paint, Tone } from './paint.ts';
import { cut, textWidth } from './text-width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** A rank: the highest goes first where the table does not fit, and columns of one rank together. Without it a column stays. */
  readonly dispensable?: number;
  /** One per row. A list takes a line for each. */
  readonly cells: readonly (string | readonly string[])[];
  readonly tones?: readonly Tone[];
}

/** Rows that are wanted; what is beside them only decides how wide columns are. */
export interface Range {
  readonly first: number;
  readonly length: number;
}

const gap = 2;

/** Header and rows as lines of at most `width` columns. */
export function table(columns: readonly Column[], width: number, paint: Paint, range?: Range): string[] {
  const shown = fitting(columns, width);
  const widths = shown.map(widthOf);
  const surplus = total(widths) - width;
  const last = widths.length - 1;
  // Nothing left to leave out: the last column gives way, then the line is cut.
  if (surplus > 0) widths[last] = Math.max(4, (widths[last] ?? 0) - surplus);
  const line = (cells: readonly string[], tones: readonly Tone[]) => {
    let room = width;
    const parts = cells.map((cell, place) => {
      const wanted = Math.min(widths[place] ?? 0, Math.max(0, room));
      room -= wanted + gap;
      const isLast = place === last && shown[place]?.align !== 'right';
      return paint(tones[place] ?? 'plain', padded(cut(cell, wanted), isLast ? 0 : wanted, shown[place]?.align));
    });
    return parts.join(' '.repeat(gap)).trimEnd();
  };
  const rows = shown[0]?.cells.length ?? 0;
  const { first, length } = range ?? { first: 0, length: rows };
  const wanted = Array.from({ length: Math.max(0, Math.min(length, rows - first)) }, (_, place) => first + place);
  const head = line(
    shown.map(({ title }) => title),
    shown.map(() => 'faint'),
  );
  return [head, ...wanted.flatMap((row) => rowLines(shown, row, line))];
}

/** Whether all columns have room. */
export function hasRoom(columns: readonly Column[], width: number): boolean {
  return total(columns.map(widthOf)) <= width;
}

/** The indispensable columns, and of the others, the most important first, every rank that still fits. */
function fitting(columns: readonly Column[], width: number): readonly Column[] {
  const ranks = new Set(columns.flatMap(({ dispensable }) => dispensable ?? []));
  let kept = columns.filter(({ dispensable }) => dispensable === undefined);
  for (const rank of [...ranks].sort((one, other) => one - other)) {
    const more = columns.filter((column) => kept.includes(column) || column.dispensable === rank);
    if (hasRoom(more, width)) kept = more;
  }
  return kept;
}

function rowLines(
  columns: readonly Column[],
  row: number,
  line: (cells: readonly string[], tones: readonly Tone[]) => string,
): string[] {
  const cells = columns.map((column) => linesOf(column.cells[row]));
  const tones = columns.map((column) => column.tones?.[row] ?? 'plain');
  const height = Math.max(1, ...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, place) =>
    line(
      cells.map((lines) => lines[place] ?? ''),
      tones,
    ),
  );
}

function linesOf(cell: string | readonly string[] | undefined): readonly string[] {
  return typeof cell === 'string' ? [cell] : (cell ?? []);
}

function widthOf({ title, cells }: Column): number {
  return cells.flatMap(linesOf).reduce((widest, text) => Math.max(widest, textWidth(text)), textWidth(title));
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + gap * Math.max(0, widths.length - 1);
}

function padded(text: string, width: number, align: 'right' | undefined): string {
  const padding = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'right' ? padding + text : text + padding;
}
