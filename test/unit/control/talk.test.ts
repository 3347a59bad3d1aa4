import { expect, test } from 'vitest';
import { rarely } from '../../../src/control/rarely.ts';
import { TalkCount } from '../../../src/control/talk.ts';
import { address } from './support.ts';

const zones = [
  { link: 'vif7.0', name: 'web', addresses: [address('10.75.0.7'), address('fdd4:1476:6c7e::7')] },
  { link: 'vif8.0', name: null, addresses: [address('10.75.0.8')] },
];
const isHost = async (text: string) => text === '10.75.0.1';
const tcp = (source: string, destination: string, port: number) => ({
  source,
  destination,
  transport: 'tcp' as const,
  port,
});

test('counts connections of zones by who began and who answers, whatever address of theirs it is', async () => {
  const count = new TalkCount(zones);
  for (const port of [443, 443, 80, 8080, 22]) count.add(tcp('10.75.0.7', '192.0.2.1', port));
  count.add({ source: 'fdd4:1476:6c7e::7', destination: '10.75.0.8', transport: 'udp', port: 53 });
  count.add({ source: '10.75.0.7', destination: '10.75.0.8', transport: 'icmp', port: 0 });
  count.add(tcp('198.51.100.9', '10.75.0.8', 80));
  count.add(tcp('10.75.0.8', '10.75.0.1', 53));
  count.add(tcp('198.51.100.9', '192.0.2.1', 80));
  const { connections, pairs } = await count.result(0, isHost);
  expect(connections).toBe(9);
  expect(
    pairs.map(({ from, to, connections, services, hasMoreServices }) => [
      `${from.kind} ${from.link ?? from.address}`,
      `${to.kind} ${to.link ?? to.address}`,
      connections,
      services.join(' '),
      hasMoreServices,
    ]),
  ).toEqual([
    ['zone vif7.0', 'address 192.0.2.1', 5, '443/tcp 80/tcp 8080/tcp', true],
    ['zone vif7.0', 'zone vif8.0', 2, '53/udp icmp', false],
    ['address 198.51.100.9', 'zone vif8.0', 1, '80/tcp', false],
    ['zone vif8.0', 'host 10.75.0.1', 1, '53/tcp', false],
  ]);
  expect(pairs[0]?.from.name).toBe('web');
});

test('a zone with very many peers costs no more than a bounded part of memory, and is told of in part', async () => {
  const count = new TalkCount(zones);
  for (let peer = 0; peer < 20_000; peer += 1) count.add(tcp('10.75.0.7', `198.18.${peer >> 8}.${peer & 255}`, 80));
  for (let more = 0; more < 3; more += 1) count.add(tcp('10.75.0.7', '198.18.0.5', 80));
  const { connections, pairs } = await count.result(0, isHost);
  expect([connections, pairs.length, pairs[0]?.to.address]).toEqual([20_003, 200, '198.18.0.5']);
});

test('a zone with very many peers hides none of another zone’s', async () => {
  const count = new TalkCount(zones);
  for (let peer = 0; peer < 40_000; peer += 1)
    count.add(tcp('10.75.0.7', `198.18.${(peer >> 8) & 127}.${peer & 255}`, 80));
  for (let peer = 1; peer <= 50; peer += 1) count.add(tcp('10.75.0.8', `203.0.113.${peer}`, 443));
  const { pairs } = await count.result(0, isHost);
  expect(pairs.filter(({ from }) => from.link === 'vif8.0')).toHaveLength(50);
  expect(pairs).toHaveLength(200);
});

test('what is dear is done while somebody asks, and no more often than it may', async () => {
  let now = 0;
  let runs = 0;
  const work = async () => {
    runs += 1;
    now += 1000;
    return runs;
  };
  const ask = rarely(work, { restMs: 5000, times: 20 }, () => now);
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
  now += 19_999;
  expect(await ask()).toBe(1);
  now += 1;
  expect(await ask()).toBe(2);

  const quick = rarely(
    async () => (runs += 1),
    { restMs: 5000, times: 20 },
    () => now,
  );
  const first = await quick();
  now += 4999;
  expect(await quick()).toBe(first);
  now += 1;
  expect(await quick()).toBe(first + 1);
});

test('a failure counts as an outcome: it is not tried at every request', async () => {
  let now = 0;
  let runs = 0;
  const failing = async () => {
    runs += 1;
    throw new Error(`no ${runs}`);
  };
  const ask = rarely(failing, { restMs: 100, times: 1 }, () => now);
  await expect(ask()).rejects.toThrow('no 1');
  await expect(ask()).rejects.toThrow('no 1');
  now += 100;
  await expect(ask()).rejects.toThrow('no 2');
});
