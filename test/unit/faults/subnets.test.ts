import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { subnetFaults } from '../../../src/faults/subnets.ts';
import type { Family } from '../../../src/model/address.ts';
import { configOf } from '../../events/config.ts';
import { address } from '../nft/support.ts';

const paths = { config: '/etc/x y/daemon.toml', settings: '/s.toml' };
const written: Config = {
  ...configOf(),
  origin: { paths, hasDaemonToml: true, subnetLines: { ipv4: 2, ipv6: undefined } },
};
const zones = [
  { link: 'vif7.0', addresses: [address('10.80.0.7')] },
  { link: 'vif8.0', addresses: [address('10.80.3.8')] },
];
const nobody: ReadonlySet<Family> = new Set();

describe('a subnet that no zone’s address is in', () => {
  it('is named by its line, with the command that leaves the zones as they are', () => {
    const [fault, ...more] = subnetFaults(written, zones, nobody);
    expect(more).toEqual([]);
    expect(fault).toMatchObject({
      level: 'bad',
      what: '/etc/x y/daemon.toml:2 says 10.75.0.0/16, both zones are in 10.80.0.0/16',
      fix: "sed -i '/subnet/s|10.75.0.0/16|10.80.0.0/16|' '/etc/x y/daemon.toml'",
      links: ['vif7.0', 'vif8.0'],
    });
  });

  it('is said where there is no file', () => {
    const missing = {
      ...written,
      origin: { paths, hasDaemonToml: false, subnetLines: { ipv4: undefined, ipv6: undefined } },
    };
    const [fault] = subnetFaults(missing, zones.slice(0, 1), nobody);
    expect(fault?.what).toBe(
      "the zones' IPv4 subnet is 10.75.0.0/16 by default, the zone at vif7.0 is in 10.80.0.0/16",
    );
    expect(fault?.fix).toBe(
      `mkdir -p '/etc/x y' && printf '[network.ipv4]\\nsubnet = "10.80.0.0/16"\\n' >> '/etc/x y/daemon.toml'`,
    );
  });

  it('has no command where the zones are in several', () => {
    const scattered = [...zones, { link: 'vif9.0', addresses: [address('10.81.0.9')] }];
    expect(subnetFaults(written, scattered, nobody)).toMatchObject([
      { what: expect.stringContaining('all 3 zones are outside it (10.80.0.7, 10.80.3.8, 10.81.0.9)'), fix: null },
    ]);
  });

  it('is right where one zone is served, or one address is in it', () => {
    expect(subnetFaults(written, zones, new Set(['ipv4']))).toEqual([]);
    const duplicate = { link: 'vif9.0', addresses: [address('10.75.0.7')] };
    expect(subnetFaults(written, [...zones, duplicate], nobody)).toEqual([]);
  });
});
