/**
 * Our commands in nft's own language, which nft reads in two thirds of the time that JSON takes it, and people at once.
 * What has no words here stays JSON, where nothing can be misread.
 */
import {
  elementOf,
  type Fields,
  fields,
  integer,
  list,
  nameOf,
  only,
  statement,
  typeOf,
  Unspeakable,
  word,
} from './nft-words.ts';
import type { NftCommand } from './port.ts';

/** One command a line; undefined where one of them has no words. */
export function nativeScript(commands: readonly NftCommand[]): string | undefined {
  let script = '';
  for (const command of commands) {
    const line = nativeLine(command);
    if (line === undefined) return undefined;
    script += `${line}\n`;
  }
  return script;
}

/** E.g. `add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept`; JSON for what has no words. */
export function describeCommand(command: NftCommand): string {
  return nativeLine(command) ?? JSON.stringify(command);
}

function nativeLine(command: NftCommand): string | undefined {
  try {
    return lineOf(command);
  } catch (error) {
    if (error instanceof Unspeakable) return undefined;
    throw error;
  }
}

function lineOf(command: NftCommand): string {
  const [verb, object] = only(command);
  const [kind, value] = only(object);
  switch (`${verb} ${kind}`) {
    case 'add table':
    case 'delete table':
      return `${verb} table ${place(fields(value, 'family', 'name'), 'name')}`;
    case 'add chain':
      return `add chain ${addedChain(fields(value, 'family', 'table', 'name', 'type', 'hook', 'prio', 'policy'))}`;
    case 'add set':
      return `add set ${addedSet(fields(value, 'family', 'table', 'name', 'type', 'stmt', 'flags', 'size', 'timeout'))}`;
    case 'flush chain':
    case 'delete chain':
    case 'delete set':
      return `${verb} ${kind} ${place(fields(value, 'family', 'table', 'name'), 'table', 'name')}`;
    case 'add element':
    case 'delete element':
      return `${verb} element ${elements(fields(value, 'family', 'table', 'name', 'elem'))}`;
    case 'delete rule':
      return `delete rule ${deletedRule(fields(value, 'family', 'table', 'chain', 'handle'))}`;
    case 'add rule':
      return `add rule ${rule(fields(value, 'family', 'table', 'chain', 'expr'))}`;
    case 'insert rule':
      return `insert rule ${rule(fields(value, 'family', 'table', 'chain', 'handle', 'expr'))}`;
    default:
      throw new Unspeakable(kind);
  }
}

/** `inet edera guard` */
function place(value: Fields, ...keys: readonly string[]): string {
  return ['family', ...keys].map((key) => nameOf(value[key])).join(' ');
}

function addedChain(value: Fields): string {
  const where = place(value, 'table', 'name');
  const { type, hook, prio, policy } = value;
  if (hook === undefined) {
    if (type ?? prio ?? policy) throw new Unspeakable('hook');
    return where;
  }
  const end = policy === undefined ? '' : ` policy ${nameOf(policy)};`;
  return `${where} { type ${nameOf(type)} hook ${nameOf(hook)} priority ${integer(prio)};${end} }`;
}

function addedSet(value: Fields): string {
  const { type, stmt, flags, size, timeout } = value;
  const counter = stmt === undefined ? '' : ` ${list(stmt).map(statement).join(' ')};`;
  const isFilled = flags !== undefined;
  if (isFilled) word(list(flags).join(), /^timeout$/);
  // What packets fill is `dynamic`, which JSON leaves to the rules that fill it.
  const filled = isFilled ? ` size ${integer(size)}; flags dynamic,timeout; timeout ${integer(timeout)}s;` : '';
  return `${place(value, 'table', 'name')} { type ${typeOf(type)};${counter}${filled} }`;
}

function elements(value: Fields): string {
  return `${place(value, 'table', 'name')} { ${list(value['elem']).map(elementOf).join(', ')} }`;
}

function deletedRule(value: Fields): string {
  return `${place(value, 'table', 'chain')} handle ${integer(value['handle'])}`;
}

function rule(value: Fields): string {
  const before = value['handle'] === undefined ? '' : ` handle ${integer(value['handle'])}`;
  return `${place(value, 'table', 'chain')}${before} ${list(value['expr']).map(statement).join(' ')}`;
}
