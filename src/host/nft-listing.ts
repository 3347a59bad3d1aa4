/**
 * Lists what nftables holds, by nft's JSON. nft 1.0.6 prints freed memory for the flags of a table, which spoils the whole
 * answer now and then, and means nothing where it does not: what has flags is asked for in other words.
 */
import { z } from 'zod';
import { hasCode } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { parseListing } from './nft-answer.ts';
import type { NftObject } from './port.ts';
import type { Tools } from './tools.ts';

const tableSchema = z.object({ table: z.looseObject({ family: z.string(), name: z.string() }) });
const chainSchema = z.object({ chain: z.object({ name: z.string() }) });
/** What a set, a map or a chain has. */
const partSchema = z.object({ family: z.string(), table: z.string() });

/** A command to the long-lived nft, and what it prints; undefined where there is none that answers. */
export type Ask = (line: string) => Promise<string | undefined>;

/**
 * Up to this many bytes of JSON, about 300 zones, a table is asked of the long-lived nft: a process of its own costs 10 to
 * 15 ms. It keeps the memory that its largest answer took, which is 21 MB for 1000 zones.
 */
const maxAskedBytes = 256_000;
/** What cannot be anything but a name in nft's language. */
const plainName = /^[a-z][a-z0-9-]*$/;

interface TableName {
  readonly family: string;
  readonly name: string;
}

export class NftListing {
  readonly #tools: Tools;
  readonly #ask: Ask;
  /** Of each table's last listing, by `family name`. */
  readonly #bytes = new Map<string, number>();

  constructor(tools: Tools, ask: Ask = async () => undefined) {
    this.#tools = tools;
    this.#ask = ask;
  }

  async tables(): Promise<TableName[]> {
    try {
      const objects = (await this.list(['tables'])) ?? [];
      return objects
        .flatMap((object) => tableSchema.safeParse(object).data?.table ?? [])
        .map(({ family, name }) => ({ family, name }));
    } catch (error) {
      if (!hasCode(error, 'garbled')) throw error;
      const text = (await this.#run(['list', 'tables'])) ?? '';
      return [...text.matchAll(/^table (\S+) (\S+)$/gm)].map(([, family = '', name = '']) => ({ family, name }));
    }
  }

  /** The objects; a table with flags has them as they are. Undefined where there is no such table. */
  async table(family: string, name: string, options: readonly string[] = []): Promise<NftObject[] | undefined> {
    const objects = await this.#tableOrParts(family, name, options);
    const table = tableSchema.safeParse(objects?.find((object) => 'table' in object)).data?.table;
    if (objects === undefined || table?.['flags'] === undefined) return objects;
    const flags = await this.#flags(family, name);
    return objects.map((object) => ('table' in object ? { table: { ...table, flags } } : object));
  }

  /** Undefined where what is asked for is not there. Throws `garbled` for an answer that is no JSON. */
  async list(what: readonly string[], options: readonly string[] = []): Promise<NftObject[] | undefined> {
    const text = await this.#run(['--json', ...options, 'list', ...what]);
    return text === undefined ? undefined : parseListing(text);
  }

  async #tableOrParts(family: string, name: string, options: readonly string[]): Promise<NftObject[] | undefined> {
    try {
      return await this.#whole(family, name, options);
    } catch (error) {
      if (!hasCode(error, 'garbled')) throw error;
      return [{ table: { family, name, flags: [] } }, ...(await this.#parts(family, name, options))];
    }
  }

  async #whole(family: string, name: string, options: readonly string[]): Promise<NftObject[] | undefined> {
    if (options.length > 0) return this.list(['table', family, name], options);
    const key = `${family} ${name}`;
    const isAsked = plainName.test(name) && (this.#bytes.get(key) ?? Number.POSITIVE_INFINITY) <= maxAskedBytes;
    const answer = isAsked ? await this.#ask(`list table ${key}`) : undefined;
    const text =
      answer === undefined ? await this.#run(['--json', 'list', 'table', family, name]) : listed(key, answer);
    this.#bytes.set(key, text?.length ?? 0);
    return text === undefined ? undefined : parseListing(text);
  }

  /** The table's sets, and its chains with their rules, one by one: none of these answers has the flags in it. */
  async #parts(family: string, name: string, options: readonly string[]): Promise<NftObject[]> {
    const isOfTable = (object: NftObject) =>
      Object.values(object).some((value) => {
        const part = partSchema.safeParse(value).data;
        return part?.family === family && part.table === name;
      });
    const of = async (kind: string) => ((await this.list([kind, family], options)) ?? []).filter(isOfTable);
    const [sets, maps, chains] = [await of('sets'), await of('maps'), await of('chains')];
    const rules: NftObject[] = [];
    for (const object of chains) {
      const { chain } = chainSchema.parse(object);
      const objects = (await this.list(['chain', family, name, chain.name], options)) ?? [];
      rules.push(...objects.filter((object) => 'rule' in object));
    }
    return [...sets, ...maps, ...chains, ...rules];
  }

  async #flags(family: string, name: string): Promise<string[]> {
    const text = (await this.#run(['--terse', 'list', 'table', family, name])) ?? '';
    return /^\tflags (.*)$/m.exec(text)?.[1]?.split(/[ ,]+/) ?? [];
  }

  /** In a process of its own. */
  async #run(args: readonly string[]): Promise<string | undefined> {
    const { exitCode, stdout, stderr } = await this.#tools.run('nft', args);
    if (exitCode === 0) return stdout;
    return absent(`nft ${args.filter((arg) => !arg.startsWith('--')).join(' ')}`, stderr);
  }
}

/** The JSON in the long-lived nft's answer, which holds its complaints too. */
function listed(table: string, answer: string): string | undefined {
  return answer.trimStart().startsWith('{') ? answer : absent(`nft list table ${table}`, answer);
}

/** Undefined where nft says that there is no such thing; throws for whatever else it says. */
function absent(what: string, words: string): undefined {
  const error = refusal(what, words);
  if (error.code !== 'vanished') throw error;
}
