import { expect, it } from 'vitest';
import { linkLimits } from '../../../src/nft/limits.ts';
import { parseRate, smallest } from '../../../src/policy/limits.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';

const policy = (limits: string) => `[[policy]]\nzones = ["a"]\n[policy.limits]\n${limits}\n`;

it('are read, with or without egress', async () => {
  const { policies } = await parsePolicyFile('a.toml', policy('connections = 2000\nnew-connections = "100/second"'));
  expect(policies[0]?.limits).toEqual({ connections: 2000, newConnections: { count: 100, per: 'second' } });
  expect(policies[0]?.egress).toBeUndefined();
});

it.each([
  ['connections = 0', 'a.toml:4:15: policy[0].limits.connections is 0; expected 1 to 4096'],
  ['connections = 4097', '1 to 4096 connections'],
  ['connections = "many"', 'a whole number of connections'],
  ['new-connections = "100"', '"100" is no rate; expected one such as "100/second"'],
  ['new-connections = "0/second"', 'is no rate'],
  ['new-connections = "100/day"', 'is no rate'],
  ['new-connections = 100', 'a rate in quotes'],
  ['send = "200mbit"', 'send'],
])('%s is refused', async (limits, said) => {
  const error: unknown = await parsePolicyFile('a.toml', policy(limits)).catch((error: unknown) => error);
  expect(String(error)).toContain(said);
});

it('of several the smallest holds, whatever its unit', () => {
  const rates = ['100/second', '5999/minute', '360000/hour'].map((text) => ({
    connections: undefined,
    newConnections: parseRate(text),
  }));
  expect(smallest(rates).newConnections).toEqual({ count: 5999, per: 'minute' });
  const few = [7, 5, 9].map((connections) => ({ connections, newConnections: undefined }));
  expect(smallest(few)).toEqual({ connections: 5, newConnections: undefined });
  expect(smallest([])).toEqual({ connections: undefined, newConnections: undefined });
});

it('equal ones share a set', () => {
  const limits = { connections: 7, newConnections: parseRate('5/minute') };
  expect(linkLimits([limits, { ...limits }]).map(({ name }) => name)).toEqual([
    'connections-over-7',
    'new-over-5-minute',
  ]);
});
