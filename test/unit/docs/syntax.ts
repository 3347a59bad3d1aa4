/** Texts in syntax trees of the sources. `…` stands for what is filled in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

const src = join(import.meta.dirname, '../../../src');

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Below `src`. */
export function sourceFiles(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

export function readSource(file: string): string {
  return readFileSync(join(src, file), 'utf8');
}

export function parse(source: string): Node {
  return parseAst(source, { lang: 'ts' }) as unknown as Node;
}

/** Goes below a node where `see` returns true. */
export function visit(node: unknown, see: (node: Node) => boolean): void {
  if (Array.isArray(node)) for (const each of node) visit(each, see);
  if (typeof node !== 'object' || node === null || !('type' in node)) return;
  if (!see(node as Node)) return;
  for (const value of Object.values(node)) visit(value, see);
}

/** Undefined where it is no text. */
export function textOf(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  if (node.type === 'TemplateLiteral') {
    const quasis = node['quasis'] as { value: { cooked: string } }[];
    return quasis.map(({ value }) => value.cooked).join('…');
  }
  if (node.type !== 'BinaryExpression' || node['operator'] !== '+') return undefined;
  const sides = [node['left'], node['right']].map((side) => textOf(side as Node));
  return sides.every((side) => side === undefined) ? undefined : sides.map((side) => side ?? '…').join('');
}

/** Whether the sources can say `message` by that template. */
export function fits(template: string, message: string): boolean {
  return new RegExp(`^${patternOf(template)}$`, 's').test(message);
}

/** Whether the template makes a part of `message`. */
export function holds(template: string, message: string): boolean {
  return new RegExp(patternOf(template), 's').test(message);
}

function patternOf(template: string): string {
  const pieces = template.split('…').map((piece) => piece.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return pieces.join('.+?');
}
