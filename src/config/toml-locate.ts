/**
 * Where in a TOML text a key or value stands. smol-toml tells positions of syntax errors only; zod tells a path. This
 * walks the text once and notes where every path begins. It is used on text that smol-toml has accepted, so it may
 * assume well-formed TOML, but ends on any text: each step moves forward.
 */
import { parse, TomlError } from 'smol-toml';

export type TomlPath = readonly PropertyKey[];

/** One-based, in UTF-16 units, as smol-toml counts. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Place {
  readonly key: number;
  readonly value: number | undefined;
}

interface Walk {
  readonly text: string;
  at: number;
  /** Keyed by JSON of the path; the first mention wins. */
  readonly places: Map<string, Place>;
  /** How many elements each array of tables has so far. */
  readonly tables: Map<string, number>;
}

export type Locator = (path: TomlPath, what: 'key' | 'value') => Position;

/** Keys with more parts than this are none of ours; following them would cost the square of their length. */
const maxParts = 64;

/** Says where a path stands in `text`: its value or its key, else the nearest table around it, else the beginning. */
export function locatorOf(text: string): Locator {
  const places = walk(text);
  return (path, what) => locate(text, places, path, what);
}

function locate(text: string, places: ReadonlyMap<string, Place>, path: TomlPath, what: 'key' | 'value'): Position {
  for (let length = path.length; length > 0; length -= 1) {
    const place = places.get(pathKey(path.slice(0, length)));
    if (place === undefined) continue;
    const exact = length === path.length;
    return positionAt(text, exact && what === 'value' ? (place.value ?? place.key) : place.key);
  }
  return { line: 1, column: 1 };
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

function walk(text: string): ReadonlyMap<string, Place> {
  const state: Walk = { text, at: text.startsWith('\ufeff') ? 1 : 0, places: new Map(), tables: new Map() };
  let table: TomlPath = [];
  for (;;) {
    skipVoid(state);
    if (state.at >= text.length) return state.places;
    const before = state.at;
    if (text[state.at] === '[') table = header(state);
    else keyValue(state, table);
    if (state.at === before) state.at += 1;
  }
}

/** `[a.b]` or `[[a.b]]`: returns the table that the lines below it belong to. */
function header(state: Walk): TomlPath {
  const isArray = state.text.startsWith('[[', state.at);
  const start = state.at;
  state.at += isArray ? 2 : 1;
  const parts = keyParts(state);
  let path: PropertyKey[] = [];
  for (const [index, part] of parts.entries()) {
    path = [...path, part.name];
    const last = index === parts.length - 1;
    note(state, path, { key: last ? start : part.at, value: undefined });
    const count = state.tables.get(pathKey(path));
    if (isArray && last) {
      state.tables.set(pathKey(path), (count ?? 0) + 1);
      path = [...path, count ?? 0];
      note(state, path, { key: start, value: undefined });
    } else if (count !== undefined) path = [...path, count - 1];
  }
  while (state.text[state.at] === ']') state.at += 1;
  return path;
}

function keyValue(state: Walk, table: TomlPath): void {
  const parts = keyParts(state);
  skipBlanks(state);
  if (state.text[state.at] !== '=') return;
  state.at += 1;
  skipBlanks(state);
  let path = table;
  for (const [index, part] of parts.entries()) {
    path = [...path, part.name];
    note(state, path, { key: part.at, value: index === parts.length - 1 ? state.at : undefined });
  }
  value(state, path);
}

function value(state: Walk, path: TomlPath): void {
  const first = state.text[state.at];
  if (first === '"' || first === "'") skipString(state);
  else if (first === '[') items(state, ']', (index) => element(state, [...path, index]));
  else if (first === '{') items(state, '}', () => keyValue(state, path));
  else state.at = search(state.text, /[,\]}\n\r#]/g, state.at);
}

function element(state: Walk, path: TomlPath): void {
  note(state, path, { key: state.at, value: state.at });
  value(state, path);
}

/** The inside of an array or an inline table, comments and line breaks included. */
function items(state: Walk, end: string, item: (index: number) => void): void {
  state.at += 1;
  for (let index = 0; ; index += 1) {
    skipVoid(state);
    if (state.at >= state.text.length) return;
    if (state.text[state.at] === end) {
      state.at += 1;
      return;
    }
    const before = state.at;
    item(index);
    skipVoid(state);
    if (state.text[state.at] === ',' || state.at === before) state.at += 1;
  }
}

function keyParts(state: Walk): { name: string; at: number }[] {
  const parts: { name: string; at: number }[] = [];
  for (;;) {
    skipBlanks(state);
    const at = state.at;
    const quote = state.text[at];
    if (quote === '"' || quote === "'") skipString(state);
    else state.at = search(state.text, /[^A-Za-z0-9_-]/g, at);
    if (parts.length < maxParts) parts.push({ name: keyName(state.text.slice(at, state.at)), at });
    skipBlanks(state);
    if (state.text[state.at] !== '.') return parts;
    state.at += 1;
  }
}

function keyName(raw: string): string {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  if (!raw.startsWith('"')) return raw;
  if (!raw.includes('\\')) return raw.slice(1, -1);
  try {
    return String(parse(`key = ${raw}`)['key']);
  } catch (error) {
    // Only text that smol-toml has refused gets here, and nothing is looked up in that.
    if (error instanceof TomlError) return raw;
    throw error;
  }
}

function skipString(state: Walk): void {
  const { text } = state;
  const quote = text[state.at] === '"' ? '"' : "'";
  const long = quote.repeat(3);
  const delimiter = text.startsWith(long, state.at) ? long : quote;
  state.at += delimiter.length;
  while (state.at < text.length && !text.startsWith(delimiter, state.at)) {
    state.at += quote === '"' && text[state.at] === '\\' ? 2 : 1;
  }
  state.at += delimiter.length;
  // A long string may end in up to two quotes of its own.
  while (delimiter === long && text[state.at] === quote) state.at += 1;
}

function skipBlanks(state: Walk): void {
  state.at = search(state.text, /[^ \t]/g, state.at);
}

/** Blanks, line breaks and comments. */
function skipVoid(state: Walk): void {
  for (;;) {
    state.at = search(state.text, /[^ \t\r\n]/g, state.at);
    if (state.text[state.at] !== '#') return;
    state.at = search(state.text, /\n/g, state.at);
  }
}

/** The offset of the first match at or after `from`, or the end of the text. */
function search(text: string, pattern: RegExp, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

function note(state: Walk, path: TomlPath, place: Place): void {
  const key = pathKey(path);
  if (!state.places.has(key)) state.places.set(key, place);
}

function pathKey(path: TomlPath): string {
  return JSON.stringify(path.map(String));
}
