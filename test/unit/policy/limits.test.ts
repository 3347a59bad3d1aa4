import { expect, it } from 'vitest';
import { linkLimits } from '../../../src/nft/limits.ts';
import { bandwidthText, parseBandwidth, parseRate, smallest } from '../../../src/policy/limits.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';

const policy = (limits: string) => `[[policy]]\nzones = ["a"]\n[policy.limits]\n${limits}\n`;

it('are read, with or without egress', async () => {
  const { policies } = await parsePolicyFile(
    'a.toml',
    policy('connections = 2000\nnew-connections = "100/second"\nsend = "200mbit"\nreceive = "1gbit"'),
  );
  expect(policies[0]?.limits).toEqual({
    connections: 2000,
    newConnections: { count: 100, per: 'second' },
    send: 200e6,
    receive: 1e9,
  });
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
  [
    'send = "200"',
    '"200" is no bandwidth; expected one such as "200mbit", from 100kbit to 100gbit, without a fraction',
  ],
  ['send = "99kbit"', 'is no bandwidth'],
  ['receive = "101gbit"', 'is no bandwidth'],
  ['receive = "1.5gbit"', 'a.toml:4:11: policy[0].limits.receive'],
  ['receive = 100', 'bits a second in quotes'],
])('%s is refused', async (limits, said) => {
  const error: unknown = await parsePolicyFile('a.toml', policy(limits)).catch((error: unknown) => error);
  expect(String(error)).toContain(said);
});

it.each([
  [100_000, '100kbit'],
  [200e6, '200mbit'],
  [1e9, '1gbit'],
  [1_500e6, '1500mbit'],
])('%d bits are %s', (bits, text) => {
  expect([bandwidthText(bits), parseBandwidth(text)]).toEqual([text, bits]);
});

it('of several the smallest holds, whatever its unit', () => {
  const rates = ['100/second', '5999/minute', '360000/hour'].map((text) => ({
    ...smallest([]),
    newConnections: parseRate(text),
  }));
  expect(smallest(rates).newConnections).toEqual({ count: 5999, per: 'minute' });
  const few = [7, 5, 9].map((connections) => ({ ...smallest([]), connections, send: connections * 1e6 }));
  expect(smallest(few)).toEqual({ ...smallest([]), connections: 5, send: 5e6 });
  expect(Object.values(smallest([])).every((limit) => limit === undefined)).toBe(true);
});

it('equal ones share a set', () => {
  const limits = { ...smallest([]), connections: 7, newConnections: parseRate('5/minute'), send: 1_500_000 };
  expect(linkLimits([limits, { ...limits }]).map(({ name }) => name)).toEqual([
    'connections-over-7',
    'new-over-5-minute',
    'send-over-1500kbit',
  ]);
});
