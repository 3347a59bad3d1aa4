/** All attacks, in the order of the table. */
import type { Attack } from './attack.ts';
import { bridgedAttacks } from './bridged.ts';
import { errors } from './errors.ts';
import { fragments } from './fragments.ts';
import { ipv4Options, ipv6Extensions } from './headers.ts';
import { deniedByPolicies } from './policies.ts';
import { changedSources, forgedSources, strayAddresses, untranslated } from './sources.ts';
import { teachings } from './teachings.ts';
import { tagsAndTypes, tunnels } from './wrappings.ts';

export const catalogue: readonly Attack[] = [
  ...forgedSources,
  ...changedSources,
  ...untranslated,
  ...strayAddresses,
  ...fragments,
  ...ipv4Options,
  ...ipv6Extensions,
  ...tagsAndTypes,
  ...errors,
  ...tunnels,
  ...teachings,
  ...bridgedAttacks,
  ...deniedByPolicies,
];
