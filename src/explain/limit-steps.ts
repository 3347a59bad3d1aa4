/** Limits of what a zone begins and sends: how near they are changes with each packet, so that one is judged as within them. Pure. */
import { parseLinkName } from '../model/link-name.ts';
import { limitTexts } from '../policy/limits.ts';
import { limitsOf } from '../policy/select.ts';
import type { Packet } from '../rules/packet.ts';
import type { Hook } from '../rules/ruleset.ts';
import type { Snapshot } from './snapshot.ts';
import { type Step, step } from './step.ts';
import { policedZone } from './zone-policy.ts';

/** At the hooks where they are asked. */
export function limitSteps(hook: Hook, { input, reply }: Packet, snapshot: Snapshot): Step[] {
  const link = parseLinkName(input ?? '');
  if (link === undefined || reply || (hook !== 'forward' && hook !== 'input')) return [];
  const texts = limitTexts(limitsOf(snapshot.policies, policedZone(link, snapshot)));
  if (texts.length === 0) return [];
  return [step('limits', 'note', `the zone’s policies have limits, beyond which it is dropped: ${texts.join(', ')}`)];
}
