/** Rates over time as a row of bars. Pure. */

/** Characters from none to the most. */
export type BarStyle = readonly string[];

export const blocks: BarStyle = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** What the font of Linux' own console has (code page 437). */
export const shades: BarStyle = ['_', '░', '▒', '▓', '█'];

/**
 * The youngest `width` values, the last one at the right, each against the highest of them. The lowest character is for zero
 * alone, a blank for what is not known.
 */
export function historyBar(values: readonly (number | null)[], width: number, style: BarStyle): string {
  const shown = width < 1 ? [] : values.slice(-width);
  const highest = Math.max(0, ...shown.map((value) => value ?? 0));
  const steps = style.length - 1;
  const bars = shown.map((value) => {
    if (value === null) return ' ';
    return style[value === 0 ? 0 : Math.ceil((value / highest) * steps)] ?? ' ';
  });
  return bars.join('').padStart(width);
}
