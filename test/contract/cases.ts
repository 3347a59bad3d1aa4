import type { ContractCase } from './case.ts';
import { eventCases } from './event-cases.ts';
import { nftCases } from './nft-cases.ts';
import { conntrackCases, legacyCases, sysctlCases } from './other-cases.ts';
import { policyCases } from './policy-cases.ts';
import { routeEventCases } from './route-event-cases.ts';
import { rtnetlinkCases } from './rtnetlink-cases.ts';
import { shaperCases } from './shaper-cases.ts';

/** Every sentence of the port, for the fake and for a real kernel. Names are unique. */
export const contractCases: readonly ContractCase[] = [
  ...rtnetlinkCases,
  ...nftCases,
  ...policyCases,
  ...sysctlCases,
  ...conntrackCases,
  ...legacyCases,
  ...eventCases,
  ...routeEventCases,
  ...shaperCases,
];
