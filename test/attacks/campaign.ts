/** The whole catalogue against one wiring. */

import { type Arena, openArena } from './arena.ts';
import type { Attack } from './attack.ts';
import { catalogue } from './catalogue.ts';

/** One line of the table. `through`: frames seen at somebody else's, or, where there are none, changes of dom0's state. */
export interface Result {
  readonly attack: Attack;
  readonly sent: number;
  readonly through: number;
  readonly changes: readonly string[];
}

/**
 * Attack by attack where each one's changes of dom0 are to be told from the others', in an arena made anew after each
 * change. `rounds` of each.
 */
export async function campaign(wiring: 'documented' | 'ours', rounds: number): Promise<Result[]> {
  let arena: Arena = await openArena(wiring);
  try {
    const results: Result[] = [];
    for (const attacks of batches(catalogue)) {
      const { passages, changes } = await arena.attempt(attacks, rounds);
      results.push(...passages.map((passage) => ({ ...passage, changes })));
      if (changes.length === 0) continue;
      arena.destroy();
      arena = await openArena(wiring);
    }
    return results;
  } finally {
    arena.destroy();
  }
}

/** Attacks that only send packets go together; those that change dom0, or want it prepared, go alone. */
export function batches(attacks: readonly Attack[]): Attack[][] {
  const together = Map.groupBy(attacks, (attack) => (goesAlone(attack) ? attack : `${attack.family} ${attack.group}`));
  return [...together.values()];
}

function goesAlone({ group, tunnelDevice, changedSource }: Attack): boolean {
  return (
    tunnelDevice === true || changedSource === true || group === 'teaching dom0' || group === 'ICMP errors about others'
  );
}
