/** A rule's text for comparison: key order and counter values do not matter, everything else does. Called for each of thousands of rules. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  let text = '';
  for (const key of keys) {
    const item = key === 'counter' ? 'null' : canonical((value as Record<string, unknown>)[key]);
    text += text === '' ? `${key}:${item}` : `,${key}:${item}`;
  }
  return `{${text}}`;
}
