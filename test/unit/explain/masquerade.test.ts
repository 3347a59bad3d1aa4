/** What is said of a packet that leaves under a zone's own address, by what the settings say of it. */
import { expect, test } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { returnSteps } from '../../../src/explain/return-steps.ts';
import type { Snapshot } from '../../../src/explain/snapshot.ts';
import { emptySnapshot, outgoing, pass } from './support.ts';

test.each<[string, Partial<Snapshot>, 'bad' | 'unknown', string]>([
  ['nothing', {}, 'bad', 'leaves unmasqueraded as '],
  [
    'that its family is not masqueraded',
    { masquerade: { ipv4: 'off', ipv6: 'kernel' } },
    'unknown',
    'masquerade4 is false',
  ],
  ['that the other family is not', { masquerade: { ipv4: 'kernel', ipv6: 'off' } }, 'bad', 'leaves unmasqueraded as '],
  [
    'that its destination is exempt',
    { noMasquerade: ['198.51.0.0/16'] },
    'unknown',
    'no-masquerade names 198.51.0.0/16',
  ],
  ['that another destination is', { noMasquerade: ['203.0.113.0/24', '::/0'] }, 'bad', 'leaves unmasqueraded as '],
  ['that it leaves by no uplink', { uplinkInterfaces: ['eth9'] }, 'unknown', 'uplink.interfaces does not name'],
])('the settings say %s', (_what, snapshot, state, words) => {
  const packet = { ...outgoing, output: 'uplink0' };
  const { traveller } = pass([], packet, { snapshot, hook: 'postrouting' });
  const [step] = returnSteps(new Facts({ ...emptySnapshot, ...snapshot, ruleset: [] }), packet, traveller);
  expect(step).toMatchObject({ state, text: expect.stringContaining(words) });
});
