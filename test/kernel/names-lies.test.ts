/** Resolvers that lie, and whoever speaks in their name: the zone is told the truth or nothing, and nothing false is opened. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Names, openNames, type Query } from '../lab/names.ts';

let names: Names;
let asked: Query[];

beforeAll(async () => {
  names = await openNames();
  asked = await names.startLiar();
});
afterAll(() => names?.close());

const truth = '198.51.100.20';

async function addressesOf(question: string): Promise<string[] | undefined> {
  const [told] = await names.ask([question]);
  return told?.answers.map((answer) => answer.split(' ').at(-1) ?? '');
}

describe('an answer that is none to the question is passed over', () => {
  it.each(['wrong-id', 'wrong-port', 'wrong-question', 'no-answer-at-all'])('%s', async (lie) => {
    expect(await addressesOf(`${lie}.example.com`)).toEqual([truth]);
    expect(names.daemon.leased(`${lie}.example.com`)).toEqual([truth]);
  });

  it('in another case, and is asked for by TCP', async () => {
    expect(await addressesOf('wrong-case.example.com')).toEqual([truth]);
    const transports = asked.filter(({ name }) => /^wrong-case\./i.test(name)).map(({ transport }) => transport);
    expect(transports).toEqual(['udp', 'tcp']);
  });
});

describe('of an answer only that counts', () => {
  it('which belongs to the name that was asked', async () => {
    expect(await addressesOf('unrelated.example.com')).toEqual([truth]);
    expect(names.daemon.leased('unrelated.example.com')).toEqual([truth]);
  });

  it('which is not private, in either family', async () => {
    expect(await addressesOf('private.example.com')).toEqual([truth]);
    expect(await addressesOf('private-only.example.com')).toEqual([]);
    expect(await addressesOf('mapped.example.com/AAAA')).toEqual(['2001:db8:99::20']);
    expect(names.daemon.leased('private-only.example.com')).toEqual([]);
    await names.logged(({ event, destination }) => event === 'dns-private' && destination === '192.168.1.1');
  });
});

describe('an answer', () => {
  it('that is truncated is asked for by TCP, and all of it is told where there is room', async () => {
    const [small, large] = await names.ask(['truncated.example.com', 'truncated.example.com/A/tcp']);
    expect(small?.answers).toHaveLength(60);
    expect(large?.answers).toHaveLength(60);
    expect(names.daemon.leased('truncated.example.com')).toHaveLength(60);
  });

  it('whose CNAMEs lead in a circle is a failure', async () => {
    const [told] = await names.ask(['loop.example.com']);
    expect(told).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
    expect(names.daemon.leased('loop.example.com')).toEqual([]);
  });

  it('that holds for no time is told with none, and opened for long enough', async () => {
    const told = await names.ask(['ttl-zero.example.com', 'ttl-zero.example.com']);
    expect(told.map((each) => each?.ttls)).toEqual([[0], [0]]);
    expect(names.daemon.leased('ttl-zero.example.com')).toEqual([truth]);
  });

  it('SERVFAIL is one', async () => {
    expect((await names.ask(['servfail.example.com']))[0]).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
  });

  it('that does not come is a failure within the time that clients wait', async () => {
    const begin = performance.now();
    expect((await names.ask(['silent.example.com']))[0]).toMatchObject({ rcode: 'SERVFAIL', error: 22 });
    expect(performance.now() - begin).toBeLessThan(6000);
    expect(asked.filter(({ name }) => /^silent\./i.test(name))).toHaveLength(4);
  });
});

it('each query has a port, an id and a case of its own, and only names that a rule allows are asked', async () => {
  const wanted = Array.from({ length: 40 }, (_, place) => `n${place}.example.com`);
  await names.ask([...wanted, 'evil.example.net', 'example.com', 'a.b.example.com']);
  const queries = asked.filter(({ name }) => /^n\d+\.example\.com$/i.test(name));
  expect(queries).toHaveLength(40);
  expect(new Set(queries.map(({ port }) => port)).size).toBeGreaterThan(35);
  expect(new Set(queries.map(({ id }) => id)).size).toBeGreaterThan(35);
  expect(new Set(queries.map(({ name }) => name.replace(/^n\d+/i, ''))).size).toBeGreaterThan(35);
  expect(asked.filter(({ name }) => /evil|a\.b\.|^example/i.test(name))).toEqual([]);
});
