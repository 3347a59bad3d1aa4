/**
 * Our settings as people are told of them. What is accepted comes from the schema; the words and the spelling of the
 * defaults from the example file, which a test holds to the schema's defaults. Pure.
 */
import { z } from 'zod';
import { settingsSchema } from '../../src/config/settings-schema.ts';

export interface SettingReference {
  readonly table: string;
  readonly key: string;
  /** What it is for, in sentences. */
  readonly words: string;
  /** As it may stand in the file, maybe several lines. */
  readonly defaultText: string;
  /** The values it takes. */
  readonly accepts: string;
}

/** A node of the JSON schema, as far as our settings use it; `accepts` is from settings-values.ts. */
const nodeSchema = z.looseObject({
  type: z.enum(['object', 'array', 'string', 'integer', 'boolean']),
  properties: z.record(z.string(), z.looseObject({})).optional(),
  items: z.looseObject({}).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  uniqueItems: z.boolean().optional(),
  accepts: z.string().optional(),
});
type Node = z.infer<typeof nodeSchema>;

/** In the schema's order. Throws where the example has no words for a setting, or has one that the schema does not know. */
export function settingsReference(example: string): SettingReference[] {
  const described = describedIn(example);
  const settings = Object.entries(tablesOf(jsonSchema())).flatMap(([table, node]) =>
    Object.entries(tablesOf(node)).map(([key, setting]) => {
      const found = described.get(`${table}.${key}`);
      if (found === undefined || found.words === '') throw new Error(`the example says nothing of ${table}.${key}`);
      return { table, key, ...found, accepts: accepted(nodeSchema.parse(setting)) };
    }),
  );
  const known = new Set(settings.map(({ table, key }) => `${table}.${key}`));
  for (const name of described.keys()) if (!known.has(name)) throw new Error(`${name} of the example is no setting`);
  return settings;
}

/** For editors. What the schema's own code judges beyond it (paths, addresses, one bit) is told by `check`. */
export function settingsJsonSchema(example: string): string {
  const schema = jsonSchema();
  const tables = tablesOf(schema);
  for (const { table, key, words, accepts } of settingsReference(example)) {
    const setting = tablesOf(tables[table])[key];
    if (setting !== undefined) setting['description'] = `${words} Takes ${accepts}.`;
  }
  return schemaText('/etc/edera/protect-network.toml', schema);
}

/** As editors read it: `accepts` is a word of ours. */
export function schemaText(title: string, schema: object): string {
  const withoutOurs = (name: string, value: unknown) => (name === 'accepts' ? undefined : value);
  return `${JSON.stringify({ title, ...schema }, withoutOurs, 2)}\n`;
}

function jsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' });
}

/** The properties themselves, to be changed in place. */
function tablesOf(node: unknown): Record<string, Record<string, unknown>> {
  return (node as { properties?: Record<string, Record<string, unknown>> }).properties ?? {};
}

function accepted(node: Node): string {
  if (node.accepts !== undefined) return node.accepts;
  if (node.enum !== undefined) return alternatives(node.enum.map((word) => JSON.stringify(word)));
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'integer') return `a whole number from ${node.minimum} to ${node.maximum}`;
  if (node.type === 'array') return listOf(node, accepted(nodeSchema.parse(node.items)));
  throw new Error(`nothing says what a ${node.type} may be`);
}

function listOf({ minItems, maxItems, uniqueItems }: Node, item: string): string {
  const least = minItems === undefined ? '' : ` of at least ${minItems}`;
  const most = maxItems === undefined ? '' : ` of at most ${maxItems}`;
  return `a list${least}${most}${uniqueItems === true ? ', nothing twice' : ''}; each ${item}`;
}

function alternatives(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
}

/** Words and default of each setting: the comment lines above it, and the lines from its `=` to the next empty one or comment. */
function describedIn(example: string): Map<string, { words: string; defaultText: string }> {
  const found = new Map<string, { words: string; defaultText: string }>();
  let table = '';
  for (const section of example.split(/^(?=\[)/m)) {
    table = /^\[(.+)\]$/m.exec(section)?.[1] ?? '';
    for (const [, comment = '', key = '', value = ''] of section.matchAll(setting)) {
      const words = comment.replaceAll(/^# ?/gm, '').trim().replaceAll('\n', ' ');
      found.set(`${table}.${key}`, { words, defaultText: value.trim() });
    }
  }
  return found;
}

const setting = /((?:^#.*\n)*)^([a-z0-9-]+) *= *(\[\n(?:.*\n)*?\]|.*)$/gm;
