/** `text` cut to `limit` characters, with control, formatting (bidirectional) and unassigned ones replaced by `?`: safe for a terminal. */
export function printable(text: string, limit: number): string {
  if (text.length <= limit && plainAscii.test(text)) return text;
  const cut = Array.from(text.slice(0, 2 * limit)).slice(0, limit);
  return cut.map((character) => (unprintable.test(character) ? '?' : character)).join('');
}

const plainAscii = /^[\x20-\x7e]*$/;
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;
