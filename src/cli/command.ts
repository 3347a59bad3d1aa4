/** What a command of the command line is, and how its arguments become values. */
import { resolve } from 'node:path';
import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import type { ConfigPaths } from '../config/config.ts';
import { type ExitCode, messageOf, ProtectNetworkError } from '../model/errors.ts';

export interface Option {
  /** What the value is called in help; undefined for a switch. */
  readonly value?: string;
  readonly help: string;
  /** May be given more than once. */
  readonly repeats?: true;
  /** One letter, where people expect one. */
  readonly short?: string;
  /** Anything else is refused. */
  readonly values?: readonly string[];
  /** Words that may stand there besides what `value` says: shells offer them. */
  readonly words?: readonly string[];
}

export interface Command {
  /** One word, or two for a command of a group: `zone set`. */
  readonly name: string;
  /** Other names that people try. */
  readonly aliases?: readonly string[];
  /** For programs of ours: no help lists it. */
  readonly isHidden?: true;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Everything a person needs before the options, in paragraphs of at most 80 columns. */
  readonly description: string;
  /** What each positional argument is called; one in brackets, `[ZONE]`, may be left out, and the last, as `[FILE...]`, be several. */
  readonly positionals?: readonly string[];
  readonly options?: Readonly<Record<string, Option>>;
  readonly exitCodes: readonly (readonly [number, string])[];
  readonly examples: readonly string[];
  /** Imports what it needs itself, so that one command does not pay for another's start. */
  run(args: Arguments): Promise<ExitCode>;
}

export const commonOptions: Readonly<Record<string, Option>> = {
  config: { value: 'PATH', help: "Edera's settings (default /var/lib/edera/protect/daemon.toml)" },
  settings: { value: 'PATH', help: 'our settings (default /etc/edera/protect-network.toml)' },
  'no-color': { help: 'no colours, even on a terminal' },
  debug: { help: 'print more: debug log lines, the stack of an internal error' },
  help: { short: 'h', help: 'print this help and exit' },
};

/** The same as `defaultConfigPaths`, without what importing that costs; a test holds the two together. */
export const defaultPaths: ConfigPaths = {
  config: '/var/lib/edera/protect/daemon.toml',
  settings: '/etc/edera/protect-network.toml',
};

export class Arguments {
  readonly paths: ConfigPaths;
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
    this.paths = {
      config: resolve(this.text('config') ?? defaultPaths.config),
      settings: resolve(this.text('settings') ?? defaultPaths.settings),
    };
  }

  has(option: string): boolean {
    return this.#values[option] === true;
  }

  /** Throws `usage` for an empty value: it is what an unset variable of a script leaves. */
  text(option: string): string | undefined {
    const value = this.#values[option];
    if (value === '') throw new ProtectNetworkError('usage', `--${option} is empty`);
    return typeof value === 'string' ? value : undefined;
  }

  /** Of an option that may be given more than once; undefined where it is not given. Throws `usage` for an empty value. */
  texts(option: string): readonly string[] | undefined {
    const values = this.#values[option];
    if (!Array.isArray(values)) return undefined;
    if (values.includes('')) throw new ProtectNetworkError('usage', `--${option} is empty`);
    return values.map(String);
  }
}

/** Throws `usage` for whatever the command does not take. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const known = { ...commonOptions, ...command.options };
  const options = Object.fromEntries(Object.entries(known).map(([name, option]) => [name, descriptorOf(option)]));
  const { values, positionals } = parsed(argv, options);
  const wanted = command.positionals ?? [];
  if (values['help'] !== true) {
    const required = wanted.filter((word) => !isOptional(word));
    if (positionals.length < required.length)
      throw new ProtectNetworkError('usage', `${required.join(' ')} is missing`);
    const surplus = wanted.at(-1)?.endsWith('...]') === true ? undefined : positionals[wanted.length];
    if (surplus !== undefined) throw new ProtectNetworkError('usage', `unexpected argument '${surplus}'`);
    refuseOtherValues(known, values);
  }
  return new Arguments(values, positionals);
}

function refuseOtherValues(known: Readonly<Record<string, Option>>, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const accepted = known[name]?.values;
    // An empty one is told of where it is read.
    if (accepted === undefined || value === '' || accepted.some((each) => each === value)) continue;
    const expected = [...accepted.slice(0, -2), accepted.slice(-2).join(' or ')].join(', ');
    throw new ProtectNetworkError('usage', `--${name} is '${value}'; expected ${expected}`);
  }
}

/** Of a positional argument. */
export function isOptional(word: string): boolean {
  return word.startsWith('[');
}

function descriptorOf(option: Option): ParseArgsOptionDescriptor {
  const short = option.short === undefined ? {} : { short: option.short };
  const multiple = option.repeats === true ? { multiple: true } : {};
  return { type: option.value === undefined ? 'boolean' : 'string', ...short, ...multiple };
}

function parsed(argv: readonly string[], options: Record<string, ParseArgsOptionDescriptor>) {
  try {
    const { tokens, ...result } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const isOnce = (name: string) => options[name]?.multiple !== true;
    refuseRepeated(
      tokens.flatMap((token) =>
        token.kind === 'option' && token.value !== undefined && isOnce(token.name) ? token.name : [],
      ),
    );
    return result;
  } catch (cause) {
    if (cause instanceof ProtectNetworkError) throw cause;
    // Node's own sentence; what follows it explains how to pass odd positional arguments, which none of ours are.
    const [sentence = ''] = messageOf(cause).split(/\. |\n/, 1);
    throw new ProtectNetworkError('usage', sentence.charAt(0).toLowerCase() + sentence.slice(1), { cause });
  }
}

/** The last one would win, and nobody would be any the wiser. */
function refuseRepeated(names: readonly string[]): void {
  const repeated = names.find((name, place) => names.indexOf(name) !== place);
  if (repeated !== undefined) throw new ProtectNetworkError('usage', `--${repeated} is given more than once`);
}
