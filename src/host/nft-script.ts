/**
 * The commands that zones come and go by, in nft's own language: it reads that in a third of the time that JSON takes it.
 * Everything else stays JSON, where nothing can be misread. Each value is held to what cannot mean anything but itself.
 */
import type { NftCommand } from './port.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One command a line; undefined where one of them is of another kind. */
export function nativeScript(commands: readonly NftCommand[]): string | undefined {
  const lines = commands.map(lineOf);
  return lines.includes(undefined) ? undefined : lines.map((line) => `${line}\n`).join('');
}

function lineOf(command: NftCommand): string | undefined {
  const { add, delete: remove, ...rest } = command;
  const object = add ?? remove;
  if (object === undefined || (add !== undefined && remove !== undefined) || Object.keys(rest).length > 0)
    return undefined;
  const verb = add === undefined ? 'delete' : 'add';
  const element = fieldsOf(object, 'element');
  if (element !== undefined) return elementLine(verb, element);
  const rule = fieldsOf(object, 'rule');
  if (rule === undefined) return undefined;
  return verb === 'add' ? pairLine(rule) : deletionLine(rule);
}

/** `add element inet edera from4 { vif7.0 . 10.75.0.3 }` */
function elementLine(verb: string, { family, table, name, elem, ...rest }: Fields): string | undefined {
  const place = placeOf(family, table, name);
  if (place === undefined || !Array.isArray(elem) || elem.length === 0 || Object.keys(rest).length > 0)
    return undefined;
  const elements = elem.map(elementOf);
  return elements.includes(undefined) ? undefined : `${verb} element ${place} { ${elements.join(', ')} }`;
}

function elementOf(element: unknown): string | undefined {
  const parts = typeof element === 'string' ? [element] : (element as Fields | null)?.['concat'];
  if (!Array.isArray(parts) || !parts.every((part) => isWord(part, elementWord))) return undefined;
  return parts.join(' . ');
}

/** One of the documented pair: `add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept` */
function pairLine({ family, table, chain, expr, ...rest }: Fields): string | undefined {
  const place = placeOf(family, table, chain);
  if (place === undefined || !Array.isArray(expr) || Object.keys(rest).length > 0) return undefined;
  const link = linkOf(expr);
  return link === undefined ? undefined : `add rule ${place} ${link.key} "${link.name}" counter accept`;
}

/** Undefined unless the statements are exactly those of a pair. */
function linkOf(expr: readonly unknown[]): { key: string; name: string } | undefined {
  const { left, right } = ((expr[0] as Fields | null)?.['match'] ?? {}) as Fields;
  const key = ((left as Fields | null | undefined)?.['meta'] as Fields | undefined)?.['key'];
  if ((key !== 'iifname' && key !== 'oifname') || !isWord(right, linkWord)) return undefined;
  const pair = [{ match: { op: '==', left: { meta: { key } }, right } }, { counter: null }, { accept: null }];
  return JSON.stringify(expr) === JSON.stringify(pair) ? { key, name: right } : undefined;
}

function deletionLine({ family, table, chain, handle, ...rest }: Fields): string | undefined {
  const place = placeOf(family, table, chain);
  if (place === undefined || !Number.isSafeInteger(handle) || Object.keys(rest).length > 0) return undefined;
  return `delete rule ${place} handle ${String(handle)}`;
}

function placeOf(...words: readonly unknown[]): string | undefined {
  return words.every((word) => isWord(word, name)) ? words.join(' ') : undefined;
}

const name = /^[A-Za-z][A-Za-z0-9-]*$/;
/** An address or a zone link: what else is an interface's name could be a word of nft's. */
const elementWord = /^(?:vif\d+\.\d+|[0-9.]+|[0-9a-f]*:[0-9a-f:.]*)$/;
const linkWord = /^vif\d+\.\d+$/;

function isWord(word: unknown, shape: RegExp): word is string {
  return typeof word === 'string' && shape.test(word);
}

function fieldsOf(object: Fields, kind: string): Fields | undefined {
  const fields = Object.keys(object).length === 1 ? object[kind] : undefined;
  return typeof fields === 'object' && fields !== null ? (fields as Fields) : undefined;
}
