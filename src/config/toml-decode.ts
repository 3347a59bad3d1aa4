/**
 * TOML text to a checked value, or to everything that is wrong with it, each with its place. Pure.
 *
 * How schemas speak: the message of a built-in check is what was expected ("a whole number from 1 to 86400"); the
 * message of a custom issue is what is wrong, a semicolon, and what was expected.
 */

import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { messageOf } from '../model/errors.ts';
import { nearestOf } from '../model/nearest.ts';
import { say } from '../words/say.ts';
import { directoryWarnings } from '../words/warnings.ts';
import { locatorOf, type Position, type TomlPath } from './toml-locate.ts';

/** One thing wrong in a file. `sentence` says what is wrong and what was expected. */
export interface TomlProblem extends Position {
  readonly sentence: string;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly TomlProblem[] };

type Issue = z.core.$ZodIssue;

/** Deeper nesting than any file of ours or Edera's; it bounds the recursion of parser and locator. */
const maxDepth = 64;
const maxProblems = 20;
const maxShownLine = 160;

export function decodeToml<T>(text: string, schema: z.ZodType<T>): Decoded<T> {
  let document: unknown;
  try {
    // Integers beyond 2^53 are legal in keys that are none of ours, hence `asNeeded`.
    document = parse(text, { integersAsBigInt: 'asNeeded', maxDepth });
  } catch (error) {
    return { ok: false, problems: [syntaxProblem(error)] };
  }
  const result = schema.safeParse(document);
  if (result.success) return { ok: true, value: result.data };
  const findings = result.error.issues.flatMap(findingsOf).slice(0, maxProblems);
  const position = locatorOf(text);
  const problems = findings.map(({ issue, path, unknownKey }): TomlProblem => {
    const known = unknownKey === undefined ? undefined : keysAt(schema, issue.path);
    return {
      ...position(path, known === undefined ? 'value' : 'key'),
      sentence: known === undefined ? sentenceOf(issue, document) : unknownKeySentence(path, known),
    };
  });
  problems.sort((one, other) => one.line - other.line || one.column - other.column);
  return { ok: false, problems };
}

/** `FILE:LINE:COLUMN: what is wrong; what was expected`. */
export function headline(file: string, problem: TomlProblem): string {
  const { line, column, sentence } = problem;
  return say(directoryWarnings.mistake, { file, line, column, mistake: sentence });
}

/** The headline, the offending line and a caret under its place. Control characters do not reach a terminal. */
export function describeProblem(file: string, text: string, problem: TomlProblem): string {
  const line = printable(text.split('\n', problem.line)[problem.line - 1] ?? '');
  const cut = Math.max(0, problem.column - maxShownLine / 2);
  const shown = line.slice(cut, cut + maxShownLine).trimEnd();
  return `${headline(file, problem)}\n${shown}\n${' '.repeat(Math.max(0, problem.column - 1 - cut))}^`;
}

function syntaxProblem(error: unknown): TomlProblem {
  const words = (messageOf(error).split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '');
  const place = error instanceof TomlError ? { line: error.line, column: error.column } : { line: 1, column: 1 };
  return { ...place, sentence: `${printable(words)}; expected valid TOML (https://toml.io)` };
}

/** One finding per issue, but one per key where zod lumps unknown keys together. */
function findingsOf(issue: Issue): { issue: Issue; path: TomlPath; unknownKey?: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ issue, path: issue.path }];
  return issue.keys.map((key) => ({ issue, path: [...issue.path, key], unknownKey: key }));
}

function sentenceOf(issue: Issue, document: unknown): string {
  const subject = issue.path.length === 0 ? 'the file' : dotted(issue.path);
  const found = valueAt(document, issue.path);
  if (issue.code === 'custom') return `${subject} ${issue.message}`;
  const wrong = found === undefined ? 'is missing' : `is ${describeValue(found)}`;
  return `${subject} ${wrong}; expected ${issue.message}`;
}

function unknownKeySentence(path: TomlPath, known: readonly string[]): string {
  const wrong = `unknown key ${quote(dotted(path))}`;
  const nearest = nearestOf(String(path.at(-1)), known);
  if (nearest !== undefined) return `${wrong}; did you mean ${quote(nearest)}?`;
  const expected = known.length < 2 ? (known[0] ?? 'no keys here') : `one of ${known.join(', ')}`;
  return `${wrong}; expected ${expected}`;
}

/** The keys a schema knows at a path. The JSON schema is asked because it sees through defaults and transforms. */
function keysAt(schema: z.ZodType, path: TomlPath): string[] {
  let at: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  for (const key of path) at = typeof key === 'number' ? itemsOf(at) : valueAt(at, ['properties', key]);
  const properties = valueAt(at, ['properties']);
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

/** What a list holds; of several kinds the table, as nothing else has keys. */
function itemsOf(list: unknown): unknown {
  const items = valueAt(list, ['items']);
  const kinds = valueAt(items, ['anyOf']);
  return Array.isArray(kinds) ? kinds.find((kind) => valueAt(kind, ['properties']) !== undefined) : items;
}

function valueAt(value: unknown, path: TomlPath): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object') return 'a table';
  return String(value);
}

function dotted(path: TomlPath): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    const part = /^[A-Za-z0-9_-]+$/.test(String(key)) ? String(key) : quote(String(key));
    return name === '' ? part : `${name}.${part}`;
  }, '');
}

/** In quotes, cut at 80 characters, without anything that a terminal obeys. */
export function quote(text: string): string {
  return printable(JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text));
}

function printable(text: string): string {
  return text
    .replaceAll('\t', ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd')
    .replace(/\ufffd$/, '');
}
