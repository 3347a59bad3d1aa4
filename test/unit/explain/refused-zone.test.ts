/** The command that is proposed for a zone without a usable address: `zone set` must take it as it stands. */
import { expect, it } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { parseRequest } from '../../../src/explain/request.ts';
import type { Snapshot } from '../../../src/explain/snapshot.ts';
import { walk } from '../../../src/explain/walk.ts';
import { address, emptySnapshot, linkWith } from './support.ts';

const refused = 'refused for whatever reason';
const subnets = {
  ipv4: { prefix: '10.75.0.0/16', gateway: address('10.75.0.1') },
  ipv6: { prefix: 'fdd4:1476:6c7e::/48', gateway: address('fdd4:1476:6c7e::1') },
};

it.each<[readonly string[], Partial<Snapshot['subnets']>, string]>([
  [[], {}, '--ipv4 auto'],
  [['10.76.0.3'], {}, '--ipv4 auto'],
  [['10.76.0.3', 'fdd5::3'], {}, '--ipv4 auto --ipv6 auto'],
  [['fdd5::3'], {}, '--ipv6 auto'],
  [['10.76.0.3', 'fdd5::3'], { ipv6: null }, '--ipv4 auto'],
  [[], { ipv4: null }, '--ipv6 auto'],
])('of %j with %j it is %s', (claimed, other, options) => {
  const zone = {
    link: 'vif7.0',
    addresses: [],
    claimed: claimed.map(address),
    name: null,
    directory: 'static',
    origin: null,
    refused,
  };
  const facts = new Facts({
    ...emptySnapshot,
    links: [...emptySnapshot.links, linkWith(7, 'vif7.0')],
    zones: [zone],
    subnets: { ...subnets, ...other },
  });
  const reports = walk(parseRequest({ subject: 'vif7.0' }), facts);
  const fixes = reports.flatMap(({ sections }) =>
    sections.flatMap(({ steps }) => steps.flatMap(({ fix = [] }) => fix)),
  );
  expect(new Set(fixes.filter((fix) => fix.includes('zone set')))).toEqual(
    new Set([`protect-network zone set vif7.0 ${options}`]),
  );
});
