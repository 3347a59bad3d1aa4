/** The word somebody probably meant. Pure. */

/** The nearest of `known` that a slip or two away from `word` could be; undefined where none is near. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const spelling = word.toLowerCase().replaceAll('_', '-');
  const nearest = known
    .map((name) => ({ name, distance: editDistance(spelling, name) }))
    .sort((one, other) => one.distance - other.distance)[0];
  if (nearest === undefined || nearest.distance > Math.max(1, Math.floor(nearest.name.length / 3))) return undefined;
  return nearest.name;
}

/** Levenshtein's distance, an exchange of two neighbours counted as one; both texts are cut at 64 characters. */
function editDistance(one: string, other: string): number {
  const source = one.slice(0, 64);
  const target = other.slice(0, 64);
  let before: number[] = [];
  let row = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (let i = 0; i < source.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < target.length; j += 1) {
      const replaced = (row[j] ?? 0) + (source[i] === target[j] ? 0 : 1);
      const exchanged =
        i > 0 && j > 0 && source[i] === target[j - 1] && source[i - 1] === target[j]
          ? (before[j - 1] ?? 0) + 1
          : replaced;
      next.push(Math.min(replaced, exchanged, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[target.length] ?? 0;
}
