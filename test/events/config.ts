/** Configurations as values, without files. */
import type { Config } from '../../src/config/config.ts';
import type { Settings } from '../../src/config/settings.ts';
import { defaultSettings } from '../../src/config/settings-schema.ts';
import { parseSubnet, type Subnet, type Subnets, withBlocks } from '../../src/config/subnet.ts';
import { ProtectNetworkError } from '../../src/model/errors.ts';

export function configOf(
  change: {
    readonly ipv4?: string | undefined;
    readonly ipv6?: string | undefined;
    readonly isolation?: Partial<Settings['isolation']>;
    readonly forward?: Partial<Settings['forward']>;
    readonly resyncSeconds?: number;
    readonly fleet?: Settings['fleet'];
  } = {},
): Config {
  const { isolation, forward } = defaultSettings;
  const settings: Settings = {
    ...defaultSettings,
    isolation: { ...isolation, ...change.isolation },
    forward: { ...forward, ...change.forward },
    ...(change.fleet && { fleet: change.fleet }),
    // Out of the way, so that nothing is repaired by it alone.
    reconcile: { resyncSeconds: change.resyncSeconds ?? 86_400 },
  };
  const ipv4 = 'ipv4' in change ? change.ipv4 : '10.75.0.0/16';
  const ipv6 = 'ipv6' in change ? change.ipv6 : 'fdd4:1476:6c7e::/48';
  return { subnets: withBlocks(subnetsOf(ipv4, ipv6), settings.fleet.block), settings, warnings: [] };
}

export function subnetsOf(ipv4: string | undefined, ipv6: string | undefined): Subnets {
  return {
    ipv4: ipv4 === undefined ? undefined : subnet('ipv4', ipv4),
    ipv6: ipv6 === undefined ? undefined : subnet('ipv6', ipv6),
  };
}

function subnet(family: 'ipv4' | 'ipv6', text: string): Subnet {
  const parsed = parseSubnet(family, text);
  if ('wrong' in parsed) throw new Error(`${text} ${parsed.wrong}`);
  return parsed;
}

export function refusal(words = 'ordered by the test'): ProtectNetworkError {
  return new ProtectNetworkError('refused', words);
}
