/** Where in a TOML text a key or value stands. smol-toml tells positions of syntax errors only; zod tells a path. */
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser';

export type TomlPath = readonly PropertyKey[];

/** One-based, in UTF-16 units, as smol-toml counts. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Place {
  readonly key: AST.TOMLNode;
  readonly value?: AST.TOMLNode;
}

/** By JSON of the path; the first mention wins. */
type Places = Map<string, Place>;
type Locator = (path: TomlPath, what: 'key' | 'value') => Position;

/** Keys with more parts than this are none of ours; following them would cost the square of their length. */
const maxParts = 64;

/** Says where a path stands in `text`: its value or its key, else the nearest table around it, else the beginning. */
export function locatorOf(text: string): Locator {
  const places = placesIn(text);
  return (path, what) => {
    const known = path.findLastIndex((_, index) => places.has(pathKey(path.slice(0, index + 1))));
    const { key, value } = places.get(pathKey(path.slice(0, known + 1))) ?? {};
    const node = known === path.length - 1 && what === 'value' ? (value ?? key) : key;
    const { line, column } = node?.loc.start ?? { line: 1, column: 0 };
    return { line, column: column + 1 };
  };
}

function placesIn(text: string): Places {
  const places: Places = new Map();
  try {
    const [top] = parseTOML(text.replace(/^\ufeff/, ' '), { tomlVersion: '1.1' }).body;
    for (const node of top.body) {
      if (node.type === 'TOMLKeyValue') noteKeyValue(places, node, []);
      else noteTable(places, node);
    }
  } catch (error) {
    // What smol-toml reads and this does not.
    if (!(error instanceof ParseError)) throw error;
  }
  return places;
}

/** Numbers in `resolvedKey` are the elements of arrays of tables; the last of `[[a]]` is the table itself. */
function noteTable(places: Places, table: AST.TOMLTable): void {
  const { keys } = table.key;
  let part = 0;
  for (const [index, name] of table.resolvedKey.slice(0, maxParts).entries()) {
    if (typeof name === 'string') part += 1;
    const key = part === keys.length ? table : (keys[part - 1] ?? table);
    note(places, table.resolvedKey.slice(0, index + 1), { key });
  }
  for (const each of table.body) noteKeyValue(places, each, table.resolvedKey);
}

function noteKeyValue(places: Places, { key, value }: AST.TOMLKeyValue, above: TomlPath): void {
  let path = above;
  for (const [index, part] of key.keys.slice(0, maxParts).entries()) {
    path = [...path, part.type === 'TOMLBare' ? part.name : part.value];
    note(places, path, index === key.keys.length - 1 ? { key: part, value } : { key: part });
  }
  noteValue(places, value, path);
}

function noteValue(places: Places, value: AST.TOMLContentNode, path: TomlPath): void {
  if (value.type === 'TOMLInlineTable') for (const each of value.body) noteKeyValue(places, each, path);
  if (value.type !== 'TOMLArray') return;
  for (const [index, each] of value.elements.entries()) {
    note(places, [...path, index], { key: each, value: each });
    noteValue(places, each, [...path, index]);
  }
}

function note(places: Places, path: TomlPath, place: Place): void {
  const key = pathKey(path);
  if (!places.has(key)) places.set(key, place);
}

function pathKey(path: TomlPath): string {
  return JSON.stringify(path.map(String));
}
