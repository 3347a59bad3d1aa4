/** What `explain` says of policies: by the files, by what the kernel holds, and where they are not of one mind. */
import { describe, expect, it } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { hookSteps } from '../../../src/explain/hook-steps.ts';
import { answerName, nameIn } from '../../../src/explain/names.ts';
import { addRule } from '../../../src/explain/policy-fix.ts';
import { parseRequest } from '../../../src/explain/request.ts';
import type { Snapshot } from '../../../src/explain/snapshot.ts';
import type { Step } from '../../../src/explain/step.ts';
import { policyOf } from '../../../src/explain/zone-policy.ts';
import type { NftObject } from '../../../src/host/port.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import type { Packet } from '../../../src/rules/packet.ts';
import { address, baseChain, drop, emptySnapshot, match, meta, outgoing, pass, payload, subChain } from './support.ts';

const file = '/etc/edera/policy.d/agents.toml';
const zone = (link: string, name: string | null, own: string) => ({
  link,
  name,
  addresses: [address(own)],
  claimed: [],
  directory: 'static',
  origin: '',
  refused: null,
});
const zones = [zone('vif7.0', 'agent-1', '10.75.0.7'), zone('vif8.0', 'agent-2', '10.75.0.8')];

async function facts(policies: string, held: Held = {}): Promise<Facts> {
  return new Facts({ ...(await snapshotOf(policies)), ruleset: ruleset(held) });
}

async function snapshotOf(text: string): Promise<Snapshot> {
  return { ...emptySnapshot, zones, policies: (await parsePolicyFile(file, text)).policies };
}

interface Held {
  readonly policed?: readonly string[];
  readonly audited?: readonly string[];
  readonly allowed?: readonly unknown[];
  readonly leased?: readonly NftObject[];
}

const inEdera = { table: 'edera' };
const flow = {
  concat: [meta('iifname'), payload('ip', 'daddr'), meta('l4proto'), payload('th', 'dport')],
};

/** Our chains, as far as they decide. */
function ruleset({ policed = ['vif7.0'], audited = [], allowed = [], leased = [] }: Held): NftObject[] {
  const set = (name: string, elem: readonly unknown[]) => ({ set: { family: 'inet', table: 'edera', name, elem } });
  const target = (verb: string, name: string) => ({ [verb]: { target: name } });
  const returns = { return: null };
  return [
    ...baseChain([[match(meta('iifname'), '@policed'), target('jump', 'egress')]], inEdera),
    ...subChain(
      'egress',
      [[match(flow, '@allowed4'), returns], [match(flow, '@leased4'), returns], [target('goto', 'egress-denied')]],
      inEdera,
    ),
    ...subChain(
      'egress-denied',
      [[match(meta('iifname'), '@audited'), target('goto', 'egress-audited')], [drop]],
      inEdera,
    ),
    ...subChain('egress-audited', [[returns]], inEdera),
    set('policed', policed),
    set('audited', audited),
    set('allowed4', allowed),
    set('leased4', leased),
  ];
}

const key = { concat: ['vif7.0', '198.51.100.10', 'tcp', 443] };
const lease = { elem: { val: key, timeout: 700, expires: 599, comment: 'api.example.com' } };
/** Of another zone's, and to another port: none of them is about the flow. */
const strange = [
  ['vif8.0', '198.51.100.10', 'tcp', 443],
  ['vif7.0', '198.51.100.10', 'tcp', 444],
].map((concat) => ({
  elem: { val: { concat }, timeout: 700, expires: 60, comment: 'strange.example.com' },
}));

async function explained(policies: string, held: Held = {}, packet: Packet = outgoing): Promise<Step | undefined> {
  const snapshot = await snapshotOf(policies);
  const { traveller, dropped } = pass(ruleset(held), packet, { snapshot });
  const last = dropped ? traveller.events.at(-1) : undefined;
  return hookSteps('forward', traveller, traveller.events, last).find(
    ({ state, what }) => state === 'bad' || what === 'egress',
  );
}

const alone = (rules: string, more = '') => `[[policy]]\nlinks = ["vif7.0"]\negress.allow = [${rules}]\n${more}`;

describe('a packet of a zone with a policy', () => {
  it('is allowed by a rule', async () => {
    expect(await explained(alone('"198.51.100.10:443"'), { allowed: [key] })).toMatchObject({
      state: 'good',
      text: `allowed by ${file}:3:17: "198.51.100.10:443"`,
    });
  });

  it.each([
    ['names the rule', '"*.example.com:443"', 'good', `${file}:3:17: "*.example.com:443"`],
    ['and no rule allows the name any more', '"other.example.org:443"', 'note', 'no rule allows the name any more'],
    ['and the rule is of another port', '"*.example.com:444"', 'note', 'no rule allows the name any more'],
  ])('is allowed by a lease, %s', async (_name, rules, state, by) => {
    const text = `allowed for 9 min 59 s more, as an address of api.example.com, for which the zone asked (${by})`;
    expect(await explained(alone(rules), { leased: [...strange, lease] })).toMatchObject({ state, text });
  });

  it('is denied, and what to add allows that and nothing else', async () => {
    const said = await explained(alone('"icmp"'));
    expect(said).toMatchObject({ what: 'egress', state: 'bad', text: 'no rule of the zone’s policies allows it' });
    expect(said?.fix).toEqual([
      `in ${file}, add as the first entry of egress.allow of the policy in line 1: "198.51.100.10:443",`,
    ]);
    expect(said?.details).toContain('inet edera egress-denied handle 2: [{"drop":null}]');
  });

  it.each([
    [
      'names of this port are told of',
      '"*.example.com:443", "a.example.org:440-450"',
      '("*.example.com:443", "a.example.org:440-450")',
    ],
    ['names of another port or protocol are not', '"*.example.com:80", "a.example.org:443/udp"', undefined],
  ])('is denied, and may be to an address of a name: %s', async (_name, rules, names) => {
    const details = (await explained(alone(rules)))?.details?.join('\n') ?? '';
    if (names === undefined) expect(details).not.toContain('names are allowed');
    else expect(details).toContain(`names are allowed at this port ${names}: an address of one is open once`);
  });

  it('is denied all of ICMP or nothing: no rule is proposed that opens more than was asked', async () => {
    const said = await explained(alone(''), {}, { ...outgoing, transport: 'icmp', destinationPort: undefined });
    expect(said).not.toHaveProperty('fix');
    expect(said?.details?.join()).toContain('"icmp"');
  });

  it('is denied by deny, against which nothing is proposed', async () => {
    const said = await explained(alone('"198.51.100.10:443"', 'egress.deny = ["198.51.100.0/24"]\n'));
    expect(said).toMatchObject({ state: 'bad', text: `denied by ${file}:4:16: "198.51.100.0/24"` });
    expect(said).not.toHaveProperty('fix');
  });

  it('passes in audit mode', async () => {
    const said = await explained(alone('', 'egress.mode = "audit"\n'), { audited: ['vif7.0'] });
    expect(said?.state).toBe('note');
    expect(said?.text).toMatch(/^passes because the mode is audit; "enforce" would deny it: no rule/);
  });

  it.each<[string, string, Held, RegExp]>([
    ['the kernel denies what a rule allows', alone('"198.51.100.10:443"'), {}, /allows it .* the rule is not in force/],
    ['the kernel allows what no rule does', alone(''), { allowed: [key] }, /no rule in the policy files does/],
    ['the kernel has a policy and the files have none', '', {}, /the policy files have none/],
    [
      'the files have a policy and the kernel has none',
      alone(''),
      { policed: [] },
      /the policy of vif7\.0 .* not in force/,
    ],
  ])('%s', async (_name, policies, held, text) => {
    const said = await explained(policies, held);
    expect(said?.text).toMatch(text);
    expect(said?.fix).toEqual(['protect-network status']);
  });

  it('is dropped all the same where a policy is asked about an answer', async () => {
    const said = await explained(alone(''), {}, { ...outgoing, reply: true });
    expect(said).toMatchObject({ state: 'bad', what: 'rule' });
  });

  it('of a zone without a policy is not spoken of', async () => {
    expect(await explained('', { policed: [] })).toBeUndefined();
  });
});

describe('what to add', () => {
  it.each([
    ['several links', 'links = ["vif7.0", "vif9.0"]\negress.allow = ["icmp"]', 'zones = ["agent-1"]'],
    ['a pattern', 'zones = ["agent-*"]\negress.allow = ["icmp"]', 'zones = ["agent-1"]'],
    ['addresses', 'addresses = ["10.75.0.0/24"]\negress.allow = ["icmp"]', 'zones = ["agent-1"]'],
    ['it alone, without a list', 'zones = ["agent-1"]', 'zones = ["agent-1"]'],
  ])('is a policy of the zone’s own, where there is one for %s', async (_name, selector, who) => {
    const snapshot = await snapshotOf(`[[policy]]\n${selector}\negress.mode = "audit"\n`);
    const policy = policyOf('vif7.0', snapshot);
    if (policy === undefined) throw new Error('no policy');
    const [where, ...lines] = addRule('198.51.100.10:443/udp', policy, snapshot).split('\n');
    expect(where).toBe(`at the end of ${file}, add:`);
    expect(lines).toContain(who);
    const { policies } = await parsePolicyFile(file, lines.join('\n'));
    expect(policies).toMatchObject([{ egress: { mode: 'audit', allow: [{ text: '198.51.100.10:443/udp' }] } }]);
  });

  it('is about the link, where two zones have the name', async () => {
    const snapshot = { ...(await snapshotOf('[[policy]]\nzones = ["agent-1"]\negress.allow = ["icmp"]\n')) };
    const twins = { ...snapshot, zones: [...zones, zone('vif9.0', 'agent-1', '10.75.0.9')] };
    const policy = policyOf('vif7.0', twins);
    expect(policy && addRule('198.51.100.10:443', policy, twins)).toContain('links = ["vif7.0"]');
  });
});

describe('a name', () => {
  const answered = async (policies: string, held: Held = {}, to = 'api.example.com:443') => {
    const known = await facts(policies, held);
    const asked = nameIn(parseRequest({ subject: 'vif7.0', to }), known);
    if (asked === undefined) throw new Error('no name');
    return answerName(asked, 'vif7.0', known);
  };

  it('is allowed and was asked for', async () => {
    const { step, leases } = await answered(
      alone('"api.example.com:443"'),
      { leased: [...strange, lease] },
      'API.Example.com.:443',
    );
    expect(step).toMatchObject({ state: 'good', details: ['198.51.100.10 for 9 min 59 s more'] });
    expect(leases).toMatchObject([{ address: '198.51.100.10', port: 443 }]);
  });

  it.each<[string, string, Held, string, RegExp]>([
    ['is allowed and not asked for', alone('"api.example.com:443"'), {}, 'unknown', /^no address is open for it/],
    [
      'was asked for at another port',
      alone('"api.example.com:440-450"'),
      { leased: [] },
      'unknown',
      /^no address is open for it/,
    ],
    ['is allowed, and not in force', alone('"api.example.com:443"'), { policed: [] }, 'unknown', /not in force/],
    ['is not allowed', alone('"api.example.com:444"'), {}, 'bad', /^no rule .* allows api\.example\.com:443$/],
    ['is denied', alone('"**.example.com:443"', 'egress.deny = ["api.example.com"]'), {}, 'bad', /denied by .*:4:16/],
    ['passes by the mode', alone('', 'egress.mode = "audit"'), {}, 'unknown', /the mode is audit/],
  ])('%s', async (_name, policies, held, state, text) => {
    const { step, leases } = await answered(policies, held);
    expect(step).toMatchObject({ state, text: expect.stringMatching(text) });
    expect(leases).toEqual([]);
  });

  it.each([
    [false, 'bad', /^the forwarder of names is not connected: .* not answered$/, /^/],
    [true, 'unknown', /^no address is open for it/, /the forwarder of names is connected/],
  ])('is allowed, and the forwarder connected: %s', async (forwarder, state, text, details) => {
    const known = await facts(alone('"api.example.com:443"'));
    const snapshot = { ...known.snapshot, daemon: { ...known.snapshot.daemon, forwarder } };
    const asked = { name: 'api.example.com', transport: 'tcp', port: 443, family: undefined } as const;
    const { step } = answerName(asked, 'vif7.0', new Facts(snapshot));
    expect(step).toMatchObject({ state, text: expect.stringMatching(text) });
    expect(step.details?.join()).toMatch(details);
    expect(step.fix).toEqual(state === 'bad' ? ['systemctl start protect-network-dns'] : undefined);
  });

  it.each([
    ['api.example.com', /expected api\.example\.com:443/],
    ['*.example.com:443', /a pattern; expected one name/],
    ['a..example.com:443', /has an empty label/],
  ])('%s is refused', async (to, why) => {
    await expect(answered(alone(''), {}, to)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(why),
    });
  });

  it('is not resolved where no policy is about the zone', async () => {
    await expect(answered('')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(/give an address/),
    });
  });

  it('that a zone has is that zone', async () => {
    const known = new Facts({ ...emptySnapshot, zones: [zone('vif8.0', 'db.internal', '10.75.0.8')] });
    expect(nameIn(parseRequest({ subject: 'vif7.0', to: 'db.internal:5432' }), known)).toBeUndefined();
  });
});
