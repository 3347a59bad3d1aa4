/** One policy file: what is accepted, and how it becomes policies, each rule with its place. */
import { z } from 'zod';
import { prefix } from '../config/settings-values.ts';
import { headline, type TomlProblem } from '../config/toml-decode.ts';
import { invalid, parseToml } from '../config/toml-file.ts';
import { locatorOf, type Position } from '../config/toml-locate.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { zoneName, zoneNameWords } from '../model/zone-name.ts';
import { maxConnections, parseBandwidth, parseRate } from './limits.ts';
import {
  type AllowRule,
  type DenyRule,
  maxRules,
  type Place,
  type Policy,
  type Publication,
  type Rate,
} from './model.ts';
import { suffixKind } from './pattern.ts';
import { parseListen } from './publish.ts';
import { keyOf, parseAllow, parseDeny } from './rule.ts';

export interface PolicyFile {
  readonly policies: readonly Policy[];
  /** For people: what is probably not meant, with its place. One sentence each. */
  readonly warnings: readonly string[];
}

/** Of zones, links or addresses in one policy. */
const maxSelected = 256;
/** Of one file; its size bounds them too. */
const maxPolicies = 4096;

const zoneGlob = z
  .string({ error: 'a name in quotes' })
  .regex(zoneName, { error: `${zoneNameWords}, maybe with * and ?` });
const link = z.string({ error: 'a link in quotes' }).transform((text, context): LinkName => {
  const parsed = parseLinkName(text);
  if (parsed !== undefined) return parsed;
  const message = `${JSON.stringify(text)} is not a zone's link; expected one such as "vif7.0"`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const allowed = z.union(
  [
    z.string(),
    z.strictObject({
      to: z.string({ error: 'a rule in quotes' }),
      private: z.boolean({ error: 'true or false' }).optional(),
    }),
  ],
  { error: 'a rule in quotes such as "api.example.com:443", or { to = "git.corp.example:22", private = true }' },
);

const egress = table({
  mode: z
    .enum(['enforce', 'audit'], { error: '"enforce" or "audit"' })
    .prefault('enforce')
    .describe('What becomes of the rest: it is denied, or passes and is told of.'),
  allow: z
    .array(allowed, { error: 'a list of rules' })
    .prefault([])
    .describe('What the zone may begin: a name, address, prefix, zone: or host: with a port, or icmp.'),
  deny: z
    .array(z.string({ error: 'an address, a prefix or a name in quotes' }), { error: 'a list of rules' })
    .prefault([])
    .describe('What it may not, whatever is allowed: an address, a prefix or a name.'),
}).superRefine(({ allow, deny }, context) => {
  const count = allow.length + deny.length;
  if (count <= maxRules) return;
  context.addIssue({ code: 'custom', message: `has ${count} rules; expected at most ${maxRules} in one policy` });
});

const publication = table({
  listen: z.string({ error: 'a port in quotes such as "443/tcp"' }).describe('The port of this host.'),
  to: z
    .int({ error: 'the port in the zone, a whole number' })
    .min(1, { error: 'a port from 1 to 65535' })
    .max(65_535, { error: 'a port from 1 to 65535' })
    .describe('The port in the zone.'),
  from: selected(prefix, 'a list of addresses and prefixes')
    .optional()
    .describe('Who may ask; everybody, if left out.'),
});

const bandwidth = z
  .string({ error: 'bits a second in quotes such as "200mbit"' })
  .transform((text, context): number => {
    const bits = parseBandwidth(text);
    if (bits !== undefined) return bits;
    const message = `${JSON.stringify(text)} is no bandwidth; expected one such as "200mbit", from 100kbit to 100gbit, without a fraction`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const limits = table({
  connections: z
    .int({ error: 'a whole number of connections' })
    .min(1, { error: `1 to ${maxConnections} connections` })
    .max(maxConnections, {
      error: `1 to ${maxConnections} connections; beyond that each new one costs this host a millisecond`,
    })
    .optional()
    .describe('How many the zone may have at once.'),
  'new-connections': z
    .string({ error: 'a rate in quotes such as "100/second"' })
    .transform((text, context): Rate => {
      const rate = parseRate(text);
      if (rate !== undefined) return rate;
      const message = `${JSON.stringify(text)} is no rate; expected one such as "100/second", from 1 to 1000000 by second, minute or hour`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .optional()
    .describe('How many it may begin in a time, such as "100/second".'),
  send: bandwidth.optional().describe('What it may send, in bits a second, such as "200mbit".'),
  receive: bandwidth.optional().describe('What it may receive, in bits a second.'),
});

const policy = table({
  zones: selected(zoneGlob, 'a list of zone names').describe('Names of zones, maybe with * and ?.'),
  links: selected(link, 'a list of links').describe('Links of zones, such as vif7.0.'),
  addresses: selected(prefix, 'a list of addresses and prefixes').describe('Addresses of zones, and prefixes.'),
  egress: egress.optional().describe('What the zone may begin.'),
  limits: limits.optional().describe('How many connections.'),
  publish: z
    .array(publication, { error: 'one or more [[policy.publish]]' })
    .max(maxRules, { error: `at most ${maxRules} of them in one policy` })
    .prefault([])
    .describe('Ports of this host that lead to the zone.'),
}).check(({ value, issues }) => {
  // What is missing is misspelt, then.
  if (issues.length > 0) return;
  const complain = (message: string) => issues.push({ code: 'custom', input: value, message });
  const selected = value.zones.length + value.links.length + value.addresses.length;
  if (selected === 0) complain('names no zone; expected zones, links or addresses');
  const says = [value.egress, value.limits, value.publish[0]].some((part) => part !== undefined);
  if (!says) complain('has no rules; expected [policy.egress], [policy.limits] or [[policy.publish]]');
});

export const policyFileSchema = table({
  policy: z
    .array(policy, { error: 'one or more [[policy]]' })
    .max(maxPolicies, { error: `at most ${maxPolicies} of them in one file` })
    .prefault([]),
});

/** Throws `config-invalid`, which names everything wrong in the file with its place. */
export async function parsePolicyFile(file: string, text: string): Promise<PolicyFile> {
  const { policy: written } = parseToml(file, text, policyFileSchema);
  const reading = new Reading(file, text);
  const policies: Policy[] = [];
  for (const [index, each] of written.entries()) {
    const { zones, links, addresses } = each;
    const at = ['policy', index] as const;
    policies.push({
      place: reading.place(at),
      selector: { zones, links, addresses },
      egress: each.egress && {
        mode: each.egress.mode,
        allow: await reading.allowRules([...at, 'egress', 'allow'], each.egress.allow),
        deny: reading.denyRules([...at, 'egress', 'deny'], each.egress.deny),
      },
      publish: reading.publications([...at, 'publish'], each.publish),
      limits: each.limits && {
        connections: each.limits.connections,
        newConnections: each.limits['new-connections'],
        send: each.limits.send,
        receive: each.limits.receive,
      },
    });
  }
  return { policies, warnings: reading.finish() };
}

/** Gathers what is wrong while rules are read. */
class Reading {
  readonly #file: string;
  readonly #text: string;
  readonly #locate: ReturnType<typeof locatorOf>;
  readonly #problems: TomlProblem[] = [];
  readonly #warnings: string[] = [];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#locate = locatorOf(text);
  }

  place(path: readonly PropertyKey[]): Place {
    return { file: this.#file, ...this.#locate(path, 'value') };
  }

  async allowRules(path: readonly PropertyKey[], written: z.infer<typeof allowed>[]): Promise<AllowRule[]> {
    const rules = this.#rules(path, written, parseAllow);
    for (const rule of rules) {
      if (rule.kind === 'icmp' || rule.target.kind !== 'name') continue;
      const { pattern } = rule.target;
      const kind = await suffixKind(pattern);
      const subject = `"${rule.text}" is about every name under ${pattern.base}`;
      if (kind === 'registry')
        this.#note(rule.place, `${subject}, where anybody can have one; expected a name under it`);
      if (kind === 'provider') {
        const sentence = `${subject}, where every customer of that provider can have one`;
        this.#warnings.push(headline(this.#file, { ...rule.place, sentence }));
      }
    }
    return rules;
  }

  denyRules(path: readonly PropertyKey[], written: readonly string[]): DenyRule[] {
    return this.#rules(path, written, parseDeny);
  }

  publications(path: readonly PropertyKey[], written: readonly z.infer<typeof publication>[]): Publication[] {
    return written.flatMap(({ listen, to, from = [] }, index) => {
      const place = this.place([...path, index, 'listen']);
      const parsed = parseListen(listen, from);
      return typeof parsed === 'string' ? this.#note(place, parsed) : [{ ...parsed, text: listen, place, to, from }];
    });
  }

  /** The warnings. Throws where something is wrong. */
  finish(): string[] {
    if (this.#problems.length === 0) return this.#warnings;
    throw invalid(this.#file, this.#text, this.#problems.sort(byPlace).slice(0, maxProblems));
  }

  #rules<W, R extends AllowRule | DenyRule>(
    path: readonly PropertyKey[],
    written: readonly W[],
    parse: (written: W, place: Place) => R | string,
  ): R[] {
    const known = new Map<string, Place>();
    return written.flatMap((each, index) => {
      const place = this.place([...path, index]);
      const rule = parse(each, place);
      if (typeof rule === 'string') return this.#note(place, rule);
      const first = known.get(keyOf(rule));
      if (first !== undefined)
        return this.#note(place, `"${rule.text}" is in the list already, in line ${first.line}; expected each once`);
      known.set(keyOf(rule), place);
      return [rule];
    });
  }

  #note({ line, column }: Position, sentence: string): [] {
    this.#problems.push({ line, column, sentence });
    return [];
  }
}

const maxProblems = 20;

function byPlace(one: Position, other: Position): number {
  return one.line - other.line || one.column - other.column;
}

function selected<T extends z.ZodType>(entry: T, expected: string) {
  return z
    .array(entry, { error: expected })
    .max(maxSelected, { error: `at most ${maxSelected} of them` })
    .prefault([]);
}

function table<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a table' : undefined) });
}
