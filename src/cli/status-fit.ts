/** What of a status is shown where a screen has too few rows for all of it. Pure. */

export interface Block {
  readonly lines: readonly string[];
  /** The highest goes first; one without a rank stays. */
  readonly dispensable?: number;
}

/** Blank lines are the first to go. */
export const blank: Block = { lines: [''], dispensable: Number.POSITIVE_INFINITY };

/** The blocks that fit into so many rows, the most important ones where not all do. */
export function fittingBlocks(blocks: readonly Block[], rows: number): readonly Block[] {
  let kept = blocks;
  while (height(kept) > rows) {
    const worst = Math.max(...kept.map(({ dispensable = Number.NEGATIVE_INFINITY }) => dispensable));
    if (worst === Number.NEGATIVE_INFINITY) return kept;
    kept = kept.filter(({ dispensable }) => dispensable !== worst);
  }
  return kept;
}

export function height(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { lines }) => sum + lines.length, 0);
}

/** At most so many lines; the last one then says what is missing. */
export function cutLines(lines: readonly string[], rows: number, what: string): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = Math.max(0, rows - 1);
  return rows < 1 ? [] : [...lines.slice(0, shown), `… ${lines.length - shown} more ${what}`];
}
