/** What a zone is told, what is asked for it, and what the daemon is asked to open first. */
import { describe, expect, it } from 'vitest';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { query } from '../../lab/dns-messages.ts';
import { address, TestForwarder, zoneMessage } from './support.ts';

const far = address('198.51.100.7');
const far6 = address('2001:db8:99::7');

describe('a name that a rule allows', () => {
  it('is told once the daemon has opened its addresses', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far], ttl: 3600 };
    expect(await test.ask('API.example.com')).toMatchObject({
      rcode: 'NOERROR',
      name: 'API.example.com',
      answers: ['API.example.com A 198.51.100.7'],
      ttls: [300],
    });
    expect(test.daemon.leases).toMatchObject([
      { link: 'vif7.0', name: 'api.example.com', addresses: [far], ttl: 3600 },
    ]);
  });

  it('is told again without a question to anybody, while its lease lasts longer than what is told', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far], ttl: 3600 };
    await test.ask('api.example.com');
    await test.ask('api.example.com');
    expect([test.asked.length, test.daemon.leases.length]).toEqual([1, 1]);
  });

  it('is asked for again where its lease is short', async () => {
    const test = new TestForwarder();
    test.daemon.seconds = 300;
    test.answers['api.example.com A'] = { addresses: [far], ttl: 3600 };
    await test.ask('api.example.com');
    await test.ask('api.example.com');
    expect([test.asked.length, test.daemon.leases.length]).toEqual([1, 2]);
  });

  it('is asked for again once the daemon has said anything about the zone', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far], ttl: 3600 };
    await test.ask('api.example.com');
    test.zones.apply({ kind: 'zones', changed: [zoneMessage()], gone: [] });
    await test.ask('api.example.com');
    expect(test.daemon.leases).toHaveLength(2);
  });

  it('fails where its addresses were opened under rules that have changed meanwhile', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far] };
    test.daemon.meanwhile = () => test.zones.apply({ kind: 'zones', changed: [zoneMessage({ allow: [] })], gone: [] });
    expect(await test.ask('api.example.com')).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
  });

  it('fails where the daemon opens nothing, and that is logged', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far] };
    test.daemon.refusal = 'the set is full';
    expect(await test.ask('api.example.com')).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
    expect(test.logged.join()).toContain('the set is full');
  });

  it('is one question to the resolvers and one lease for all who ask at once', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far] };
    const answers = await Promise.all(Array.from({ length: 20 }, () => test.ask('api.example.com')));
    expect(new Set(answers.map((answer) => answer?.answers.join()))).toEqual(
      new Set(['api.example.com A 198.51.100.7']),
    );
    expect([test.asked.length, test.daemon.leases.length]).toEqual([1, 1]);
  });

  it('of several CNAMEs is told with all of them', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com AAAA'] = { chain: ['x.cdn.example', 'y.cdn.example'], addresses: [far6] };
    expect((await test.ask('api.example.com', 'AAAA'))?.answers).toEqual([
      'api.example.com CNAME x.cdn.example',
      'x.cdn.example CNAME y.cdn.example',
      'y.cdn.example AAAA 2001:db8:99::7',
    ]);
  });

  it('keeps its last answer while no resolver answers, to the end of the lease and no longer', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far], ttl: 60 };
    await test.ask('api.example.com');
    test.answers['api.example.com A'] = new ProtectNetworkError('unreachable', 'silence');
    test.now = 61_000;
    expect(await test.ask('api.example.com')).toMatchObject({
      answers: ['api.example.com A 198.51.100.7'],
      ttls: [30],
      error: 3,
    });
    test.now = 901_000;
    expect(await test.ask('api.example.com')).toMatchObject({ rcode: 'SERVFAIL', answers: [], error: 22 });
  });

  it('leads to no private address', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [address('169.254.169.254'), far] };
    expect((await test.ask('api.example.com'))?.answers).toEqual(['api.example.com A 198.51.100.7']);
    expect(test.daemon.leases).toMatchObject([{ addresses: [far] }]);
    expect(test.logged.join()).toContain('169.254.169.254');
  });

  it('leads to private ones where its rule says so', async () => {
    const test = new TestForwarder();
    test.answers['git.corp.example A'] = { addresses: [address('10.9.9.9')] };
    expect((await test.ask('git.corp.example'))?.answers).toEqual(['git.corp.example A 10.9.9.9']);
  });

  it.each(['TXT', 'MX', 'SRV', 'HTTPS', 'UNKNOWN_65'])('has no record of the type %s', async (type) => {
    const test = new TestForwarder();
    const bytes = query('api.example.com', type === 'HTTPS' ? 'UNKNOWN_65' : type);
    expect(await test.answer(bytes)).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(test.asked).toEqual([]);
  });

  it('has an empty HINFO where all is asked for', async () => {
    const test = new TestForwarder();
    expect((await test.ask('api.example.com', 'ANY'))?.answers).toEqual([
      'api.example.com HINFO {"cpu":"RFC8482","os":""}',
    ]);
    expect(test.asked).toEqual([]);
  });
});

describe('a name that no rule allows', () => {
  it.each(['A', 'AAAA', 'ANY', 'TXT'])('does not exist, and nobody is asked: %s', async (type) => {
    const test = new TestForwarder();
    expect(await test.ask('evil.example', type)).toMatchObject({ rcode: 'NXDOMAIN', answers: [], error: 15 });
    expect(test.asked).toEqual([]);
    expect(test.daemon.said).toEqual([{ kind: 'not-allowed', link: 'vif7.0', name: 'evil.example', times: 1 }]);
  });

  it('is told of once a minute, however often it is asked for', async () => {
    const test = new TestForwarder();
    for (let count = 0; count < 100; count += 1) await test.ask('evil.example');
    expect(test.daemon.said).toHaveLength(1);
  });

  it('is one that a rule denies, whatever others allow', async () => {
    const test = new TestForwarder({ deny: ['*.example.com'] });
    expect(await test.ask('api.example.com')).toMatchObject({ rcode: 'NXDOMAIN' });
  });

  it('is answered in audit mode, opened and reported', async () => {
    const test = new TestForwarder({ mode: 'audit' });
    test.answers['evil.example A'] = { addresses: [far] };
    expect(await test.ask('evil.example')).toMatchObject({ answers: ['evil.example A 198.51.100.7'] });
    expect(test.daemon.said.map(({ kind }) => kind)).toEqual(['not-allowed', 'lease']);
  });

  it('is answered in audit mode, whatever the daemon says', async () => {
    const test = new TestForwarder({ mode: 'audit' });
    test.daemon.refusal = 'full';
    test.answers['evil.example A'] = { addresses: [far, address('10.9.9.9')] };
    expect((await test.ask('evil.example'))?.answers).toHaveLength(2);
    expect(test.daemon.leases).toMatchObject([{ addresses: [far] }]);
  });
});

describe('an address', () => {
  it('has the name that led to it, while that is leased', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = { addresses: [far] };
    test.answers['api.example.com AAAA'] = { addresses: [far6] };
    await test.ask('api.example.com');
    await test.ask('api.example.com', 'AAAA');
    expect((await test.ask('7.100.51.198.in-addr.arpa', 'PTR'))?.answers).toEqual([
      '7.100.51.198.in-addr.arpa PTR api.example.com',
    ]);
    const nibbles = '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.9.0.0.8.b.d.0.1.0.0.2.ip6.arpa';
    expect((await test.ask(nibbles, 'PTR'))?.answers).toEqual([`${nibbles} PTR api.example.com`]);
  });

  it.each([
    '8.100.51.198.in-addr.arpa',
    'in-addr.arpa',
    '51.198.in-addr.arpa',
    'b._dns-sd._udp.0.0.75.10.in-addr.arpa',
  ])('has no name otherwise: %s', async (name) => {
    const test = new TestForwarder({ allow: [{ pattern: '**.in-addr.arpa', isPrivate: false }] });
    expect(await test.ask(name, 'PTR')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(test.asked).toEqual([]);
  });
});

describe('bounds', () => {
  it('a datagram holds what its reader takes, and says that there is more', async () => {
    const test = new TestForwarder();
    test.answers['api.example.com A'] = {
      addresses: Array.from({ length: 60 }, (_, place) => address(`198.51.100.${place}`)),
    };
    const plain = query('api.example.com', 'A', { additionals: [] });
    expect(await test.answer(plain)).toMatchObject({ isTruncated: true, answers: [] });
    expect((await test.answer(plain, '10.75.0.3', false))?.answers).toHaveLength(60);
    // 60 × 16 bytes with pointers.
    expect((await test.ask('api.example.com'))?.answers).toHaveLength(60);
  });

  it('200 queries at once are answered, and the next one is not', async () => {
    const test = new TestForwarder();
    for (let count = 0; count < 200; count += 1) expect(await test.ask('evil.example')).toBeDefined();
    expect(await test.ask('evil.example')).toBeUndefined();
    expect(test.forwarder.totals).toMatchObject({ queries: 201, denied: 200, limited: 1 });
    expect(test.logged).toHaveLength(1);
  });

  it('64 may wait for an answer', async () => {
    const test = new TestForwarder({ allow: [{ pattern: '*.example.com', isPrivate: false }] });
    const answers = Array.from({ length: 70 }, (_, place) => test.ask(`n${place}.example.com`));
    expect((await Promise.all(answers)).filter((answer) => answer === undefined)).toHaveLength(6);
  });

  it('whoever is no policed zone is refused, so many times a second', async () => {
    const test = new TestForwarder();
    const answers = [];
    for (let count = 0; count < 30; count += 1)
      answers.push(await test.answer(query('api.example.com', 'A'), '10.75.0.99'));
    expect(answers[0]).toMatchObject({ rcode: 'REFUSED', answers: [] });
    expect(answers.at(-1)).toBeUndefined();
    expect(test.asked).toEqual([]);
  });
});
