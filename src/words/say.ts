/** Texts that people read, with gaps for what varies: `{link} is waiting: {reason}`. Pure. */

type Gap<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Gap<Rest> : never;

/** What fills the gaps of `T`: all of them, and nothing else. */
export type Gaps<T extends string> = Readonly<Record<Gap<T>, string | number | bigint>>;

/** What is filled in is not looked through for gaps. */
export function say<const T extends string>(words: T, gaps: Gaps<T>): string {
  const values: Readonly<Record<string, string | number | bigint>> = gaps;
  return words.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

/** The first few of many, and how many more there are: `a, b and 7 more`. */
export function firstOf(things: readonly string[], most: number): string {
  const more = things.length > most ? ` and ${things.length - most} more` : '';
  return `${things.slice(0, most).join(', ')}${more}`;
}
