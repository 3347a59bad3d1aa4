/**
 * Edera's own settings file, of which two keys concern us: the zone subnets. Everything else in it is Edera's and is
 * ignored whatever its type, so that no release of theirs can keep zones off the network.
 */
import { z } from 'zod';
import type { Family } from '../model/address.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';
import { whyNotTrusted } from './read-file.ts';
import { parseSubnet, type Subnet, type Subnets } from './subnet.ts';
import { readTomlFile } from './toml-file.ts';
import { locatorOf } from './toml-locate.ts';

export { type Subnet, type Subnets, subnetOf, whyNotUsable } from './subnet.ts';

/** Edera's documented defaults. */
const defaultSubnets: Record<Family, string> = { ipv4: '10.75.0.0/16', ipv6: 'fdd4:1476:6c7e::/48' };

export interface DaemonToml {
  readonly subnets: Subnets;
  readonly warnings: string[];
  /** By family the line that says its subnet, undefined where the default holds; undefined where there is no file. */
  readonly lines: Readonly<Record<Family, number | undefined>> | undefined;
}

/**
 * The zone subnets. A missing file means the defaults and a warning. Throws `config-invalid`, `config-unreadable` or
 * `permission`. A file that others may write is read all the same, with a warning: its mode is Edera's business.
 */
export function loadDaemonToml(path: string): DaemonToml {
  const file = readTomlFile(path, daemonTomlSchema);
  if (file === undefined) {
    const { ipv4, ipv6 } = defaultSubnets;
    const warnings = [say(hostWarnings.defaultSubnets, { file: path, subnet: ipv4, subnet2: ipv6 })];
    return { subnets: daemonTomlSchema.parse({}), warnings, lines: undefined };
  }
  const distrust = whyNotTrusted(file.stats);
  const warnings = distrust === undefined ? [] : [`${path}: ${distrust}`];
  return { subnets: file.value, warnings, lines: linesIn(file.text, file.value) };
}

function linesIn(text: string, subnets: Subnets): DaemonToml['lines'] {
  const position = locatorOf(text);
  const lines = text.split('\n');
  const lineOf = (family: Family) => {
    const { line } = position(['network', family, 'subnet'], 'value');
    const prefix = subnets[family]?.prefix.text;
    const isThere = prefix !== undefined && lines[line - 1]?.includes(prefix) === true;
    return isThere ? line : undefined;
  };
  return { ipv4: lineOf('ipv4'), ipv6: lineOf('ipv6') };
}

export const daemonTomlSchema: z.ZodType<Subnets> = z
  .object(
    {
      network: z.object({ ipv4: familySchema('ipv4'), ipv6: familySchema('ipv6') }, { error: 'a table' }).prefault({}),
    },
    { error: 'a table' },
  )
  .transform(({ network }, context) => {
    const subnets: Subnets = { ipv4: network.ipv4.subnet, ipv6: network.ipv6.subnet };
    if (subnets.ipv4 === undefined && subnets.ipv6 === undefined) {
      const message = 'switches IPv4 off while IPv6 is off too; expected a subnet for at least one of them';
      context.addIssue({ code: 'custom', path: ['network', 'ipv4', 'subnet'], message });
    }
    return subnets;
  });

function familySchema(family: Family) {
  const expected = `a prefix such as "${defaultSubnets[family]}", or "" to switch it off`;
  const subnet = z
    .string({ error: expected })
    .prefault(defaultSubnets[family])
    .transform((text, context): Subnet | undefined => {
      if (text === '') return undefined;
      const parsed = parseSubnet(family, text);
      if (!('wrong' in parsed)) return parsed;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} ${parsed.wrong}` });
      return z.NEVER;
    });
  return z.object({ subnet }, { error: 'a table' }).prefault({});
}
