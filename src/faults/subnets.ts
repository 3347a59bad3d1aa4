/** A subnet in daemon.toml that is not the zones' own, in words. Pure. */
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { networkOf } from '../config/subnet.ts';
import { type Address, contains, type Family, families, familyNames, familyOf, type Prefix } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { shellWord } from '../model/shell.ts';
import { fault, faults } from '../words/faults.ts';

/** A zone link to which a directory gives addresses. */
export interface Claimant {
  readonly link: string;
  readonly addresses: readonly Address[];
}

/**
 * Where every zone's address of a family is outside the subnet, the subnet is what is wrong. `refused`: those without network;
 * `served`: whether any zone has an address of the family.
 */
export function subnetFaults(config: Config, refused: readonly Claimant[], served: ReadonlySet<Family>): Fault[] {
  return families.flatMap((family) => {
    const prefix = config.subnets[family]?.prefix;
    if (prefix === undefined || served.has(family)) return [];
    const claims = refused.flatMap(({ link, addresses }) =>
      addresses.filter((address) => familyOf(address) === family).map((address) => ({ link, address })),
    );
    if (claims.length === 0 || claims.some(({ address }) => contains(prefix, address))) return [];
    const links = [...new Set(claims.map(({ link }) => link))];
    return [
      faultOf(
        config,
        prefix,
        links,
        claims.map(({ address }) => address),
      ),
    ];
  });
}

function faultOf(config: Config, prefix: Prefix, links: readonly string[], addresses: readonly Address[]): Fault {
  const networks = [...new Set(addresses.map((address) => `${networkOf(address, prefix.length)}/${prefix.length}`))];
  const [network = '', ...others] = networks;
  const where = others.length === 0 ? `in ${network}` : `outside it (${addresses.slice(0, 3).join(', ')})`;
  const fix = others.length === 0 ? correction(config, prefix, network) : null;
  const { origin } = config;
  const line = origin?.subnetLines[prefix.family];
  const gaps = { subnet: prefix.text, zones: counted(links), where };
  if (line === undefined)
    return {
      ...fault(faults.defaultSubnet, { ...gaps, family: familyNames[prefix.family] }, fix),
      links,
    };
  return {
    ...fault(faults.otherSubnet, { ...gaps, file: `${origin?.paths.config}`, n: line }, fix),
    links,
  };
}

function counted(links: readonly string[]): string {
  if (links.length === 1) return `the zone at ${links[0]} is`;
  return `${links.length === 2 ? 'both' : `all ${links.length}`} zones are`;
}

/** None for a file that is there and does not say the subnet: where it has to be said depends on what else it holds. */
function correction({ origin }: Config, { family, text }: Prefix, network: string): string | null {
  if (origin === undefined) return null;
  const { paths, hasDaemonToml, subnetLines } = origin;
  const file = shellWord(paths.config);
  const line = subnetLines[family];
  if (line !== undefined) return `sed -i '/subnet/s|${text}|${network}|' ${file}`;
  if (hasDaemonToml) return null;
  const content = `[network.${family}]\\nsubnet = "${network}"\\n`;
  return `mkdir -p ${shellWord(dirname(paths.config))} && printf '${content}' >> ${file}`;
}
