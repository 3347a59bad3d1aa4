/** Every sentence that the sources can log, taken from their syntax trees. `…` stands for what is filled in. */
import { type Node, parse, readSource, sourceFiles, textOf, visit } from './syntax.ts';

export interface Template {
  /** Below `src`. */
  readonly file: string;
  readonly text: string;
  /** A level of the logger. */
  readonly level: string;
}

export interface LogCalls {
  readonly templates: Template[];
  /** Calls whose message is made elsewhere: `FILE LEVEL EXPRESSION`. */
  readonly indirect: string[];
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Every call of a logger in `src`. */
export function logCalls(): LogCalls {
  const calls: LogCalls = { templates: [], indirect: [] };
  for (const file of filesAbout(/\blog\b/i)) {
    const source = readSource(file);
    visit(parse(source), (node) => {
      const level = levelOf(node, source);
      if (level === undefined) return true;
      const message = (node['arguments'] as Node[]).at(-1);
      const text = message === undefined ? undefined : textOf(message);
      if (text !== undefined) calls.templates.push({ file, text, level });
      else if (message !== undefined)
        calls.indirect.push(`${file} ${level} ${source.slice(message.start, message.end)}`);
      return true;
    });
  }
  return calls;
}

/** Texts that a method of one file is called with there. */
export function argumentsOf(method: string, file: string): string[] {
  const texts: string[] = [];
  visit(parse(readSource(file)), (node) => {
    const { property } = (node['callee'] ?? {}) as { property?: Node };
    if (node.type !== 'CallExpression' || property?.['name'] !== method) return true;
    texts.push(...(node['arguments'] as Node[]).map(textOf).filter((text) => text !== undefined));
    return true;
  });
  return texts;
}

/** Every value that the field `event` is given in `src`, sorted. */
export function eventsLogged(): string[] {
  const events = new Set<string>();
  for (const file of filesAbout(/\bevent: /)) {
    visit(parse(readSource(file)), (node) => {
      if (node.type !== 'Property' || (node['key'] as Node)['name'] !== 'event') return true;
      const text = textOf(node['value'] as Node);
      if (text === 'zone-…') for (const state of zoneStates) events.add(`zone-${state}`);
      else if (text !== undefined && !text.startsWith('PROTECT_NETWORK')) events.add(text);
      return true;
    });
  }
  return [...events].sort();
}

/** Those that are logged as they are reached (`Reporter.turned`). */
const zoneStates = ['ready', 'failed', 'unserved', 'taken'];

/** Every text of at least three words in one file, joined where it is added up. */
export function sentencesIn(file: string): string[] {
  const sentences: string[] = [];
  visit(parse(readSource(file)), (node) => {
    if (node.type === 'ImportDeclaration') return false;
    const text = textOf(node);
    if (text === undefined) return true;
    if (/\S+\s+\S+\s+\S/.test(text)) sentences.push(text);
    // What is filled in may be a sentence, too.
    return node.type !== 'BinaryExpression';
  });
  return sentences;
}

function filesAbout(pattern: RegExp): string[] {
  return sourceFiles().filter((file) => pattern.test(readSource(file)));
}

/** Undefined where the node is no call of a logger. */
function levelOf({ type, callee }: Node, source: string): string | undefined {
  if (type !== 'CallExpression') return undefined;
  const { type: kind, object, property } = callee as Node & { object?: Node; property?: Node };
  const level = property?.['name'];
  if (kind !== 'MemberExpression' || object === undefined || typeof level !== 'string') return undefined;
  const isLogger = /(^|[.#])log$/i.test(source.slice(object.start, object.end));
  return isLogger && levels.includes(level) ? level : undefined;
}
