/** Every finding that doctor can report, taken from the syntax trees of its checks. */
import { type Node, parse, readSource, sourceFiles, textOf, visit } from './syntax.ts';

export interface Findings {
  readonly templates: { readonly file: string; readonly text: string }[];
  /** Findings whose words are made elsewhere: `FILE EXPRESSION`. */
  readonly indirect: string[];
}

/** What makes a finding that people should know of; its first argument is what they read. */
const makers = new Set(['bad', 'warning', 'tell', 'missingJump']);

/** Where findings are made, whichever room that is. */
const importsMakers = /import [^;]*\b(?:bad|warning)\b[^;]* from '[^']*\/(?:finding|fault)\.ts'/;

export function findings(): Findings {
  const found: Findings = { templates: [], indirect: [] };
  for (const file of sourceFiles()) {
    const source = readSource(file);
    if (!importsMakers.test(source)) continue;
    const reader = new Reader(parse(source));
    for (const words of reader.wordsOfFindings()) {
      const { texts, unknown } = reader.resolve(words);
      found.templates.push(...texts.map((text) => ({ file, text })));
      found.indirect.push(...unknown.map(({ start, end }) => `${file} ${source.slice(start, end)}`));
    }
    // A table of sysctls, whose names and values are filled in.
    found.templates.push(...reader.sysctls().map((name) => ({ file, text: `${name} is …` })));
  }
  return found;
}

interface Resolved {
  readonly texts: string[];
  readonly unknown: Node[];
}

class Reader {
  readonly #tree: Node;
  readonly #calls: Node[] = [];
  readonly #constants = new Map<string, Node[]>();
  /** What a parameter of that name is called with. */
  readonly #arguments = new Map<string, Node[]>();

  constructor(tree: Node) {
    this.#tree = tree;
    const functions: Node[] = [];
    visit(tree, (node) => {
      if (node.type === 'CallExpression') this.#calls.push(node);
      if (node.type === 'FunctionDeclaration') functions.push(node);
      if (node.type === 'VariableDeclarator') note(this.#constants, nameOf(node['id']), node['init']);
      return true;
    });
    for (const { id, params } of functions) {
      const calls = this.#calls.filter(({ callee }) => nameOf(callee) === nameOf(id));
      for (const [place, parameter] of (params as Node[]).entries())
        for (const call of calls) note(this.#arguments, nameOf(parameter), (call['arguments'] as Node[])[place]);
    }
  }

  wordsOfFindings(): Node[] {
    const made = this.#calls.filter(({ callee }) => isMaker(callee as Node));
    return made.map((call) => (call['arguments'] as Node[])[0]).filter((words) => words !== undefined);
  }

  sysctls(): string[] {
    const names: string[] = [];
    visit(this.#tree, (node) => {
      const text =
        node.type === 'Property' && nameOf(node['key']) === 'name' ? textOf(node['value'] as Node) : undefined;
      if (text?.startsWith('net/') === true) names.push(text);
      return true;
    });
    return names;
  }

  /** `seen`: names that are being resolved; what is handed on under its own name is there already. */
  resolve(words: Node, seen: ReadonlySet<string> = new Set()): Resolved {
    const text = textOf(words);
    if (text !== undefined) return { texts: [text], unknown: [] };
    const name = nameOf(words);
    if (name !== undefined && seen.has(name)) return { texts: [], unknown: [] };
    const behind = this.#behind(words);
    if (behind.length === 0) return { texts: [], unknown: [words] };
    const resolved = behind.map((each) => this.resolve(each, name === undefined ? seen : new Set([...seen, name])));
    return { texts: resolved.flatMap(({ texts }) => texts), unknown: resolved.flatMap(({ unknown }) => unknown) };
  }

  #behind(words: Node): Node[] {
    const { type, consequent, alternate, left, right } = words;
    if (type === 'ConditionalExpression') return [consequent as Node, alternate as Node];
    if (type === 'LogicalExpression') return [left as Node, right as Node];
    if (type !== 'Identifier') return [];
    const name = nameOf(words) ?? '';
    return [...(this.#constants.get(name) ?? []), ...(this.#arguments.get(name) ?? [])];
  }
}

function note(map: Map<string, Node[]>, name: string | undefined, node: unknown): void {
  if (name === undefined || typeof node !== 'object' || node === null) return;
  map.set(name, [...(map.get(name) ?? []), node as Node]);
}

function nameOf(node: unknown): string | undefined {
  const { type, name } = (node ?? {}) as Partial<Node>;
  return type === 'Identifier' ? (name as string) : undefined;
}

/** `bad`, or `(isNeeded ? bad : warning)`. */
function isMaker(callee: Node): boolean {
  if (callee.type === 'ParenthesizedExpression') return isMaker(callee['expression'] as Node);
  if (callee.type === 'ConditionalExpression') return isMaker(callee['consequent'] as Node);
  return makers.has(nameOf(callee) ?? '');
}

/** The names by which findings are told apart in doctor's JSON, in the order of its output. */
export function checkNames(): string[] {
  const names: string[] = [];
  visit(parse(readSource('doctor/diagnose.ts')), (node) => {
    if (node.type !== 'VariableDeclarator' || nameOf(node['id']) !== 'checks') return true;
    const { properties } = node['init'] as unknown as { properties: Node[] };
    names.push(...properties.map(({ key }) => nameOf(key) ?? textOf(key as Node) ?? ''));
    return false;
  });
  return names;
}
