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

interface TableName {
  readonly family: string;
  readonly name: string;
}

export class NftListing {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
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

  /** The table's objects without elements; a table with flags has them as they are. Undefined where there is no such table. */
  async rules(family: string, name: string): Promise<NftObject[] | undefined> {
    const objects = await this.#tableOrParts(family, name);
    const table = tableSchema.safeParse(objects?.find((object) => 'table' in object)).data?.table;
    if (objects === undefined || table?.['flags'] === undefined) return objects;
    const flags = await this.#flags(family, name);
    return objects.map((object) => ('table' in object ? { table: { ...table, flags } } : object));
  }

  /** Undefined where what is asked for is not there. Throws `garbled` for an answer that is no JSON. */
  async list(what: readonly string[]): Promise<NftObject[] | undefined> {
    const text = await this.#run(['--json', '--terse', 'list', ...what]);
    return text === undefined ? undefined : parseListing(text);
  }

  async #tableOrParts(family: string, name: string): Promise<NftObject[] | undefined> {
    try {
      return await this.list(['table', family, name]);
    } catch (error) {
      if (!hasCode(error, 'garbled')) throw error;
      return [{ table: { family, name, flags: [] } }, ...(await this.#parts(family, name))];
    }
  }

  /** The table's sets, and its chains with their rules, one by one: none of these answers has the flags in it. */
  async #parts(family: string, name: string): Promise<NftObject[]> {
    const isOfTable = (object: NftObject) =>
      Object.values(object).some((value) => {
        const part = partSchema.safeParse(value).data;
        return part?.family === family && part.table === name;
      });
    const of = async (kind: string) => ((await this.list([kind, family])) ?? []).filter(isOfTable);
    const [sets, maps, chains] = [await of('sets'), await of('maps'), await of('chains')];
    const rules: NftObject[] = [];
    for (const object of chains) {
      const { chain } = chainSchema.parse(object);
      const objects = (await this.list(['chain', family, name, chain.name])) ?? [];
      rules.push(...objects.filter((object) => 'rule' in object));
    }
    return [...sets, ...maps, ...chains, ...rules];
  }

  async #flags(family: string, name: string): Promise<string[]> {
    const text = (await this.#run(['--terse', 'list', 'table', family, name])) ?? '';
    return /^\tflags (.*)$/m.exec(text)?.[1]?.split(/[ ,]+/) ?? [];
  }

  async #run(args: readonly string[]): Promise<string | undefined> {
    const { exitCode, stdout, stderr } = await this.#tools.run('nft', args);
    if (exitCode === 0) return stdout;
    const error = refusal(`nft ${args.filter((arg) => !arg.startsWith('--')).join(' ')}`, stderr);
    if (error.code === 'vanished') return undefined;
    throw error;
  }
}
