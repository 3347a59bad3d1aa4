/**
 * Which nodes of xenstore are believed: those that no guest can have written.
 *
 * The rule: domain 0 owns the node, domains not listed get nothing or read, and no listed one may write. It is asked of
 * the node and of its parents from the domain's own folder on, in the transaction that reads the value and commits, so
 * that a value and the permissions it is believed by were true at one moment.
 *
 * Why the parents: who may write a folder may remove it with all that is in it and make nodes of his own there. Today's
 * xenstoreds make those his, and refuse to let him give them away, so the node itself would show it; those before
 * XSA-352 let him give them to domain 0. Above the domain's folder there is nothing a guest was ever given a part in,
 * and who took it from domain 0 would have to replace the folder, which is asked about.
 */

import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import { hasErrno, type Permissions, type Store, type XenstorePath } from '../../xenstore/index.ts';

/** What operators and alerts look for at the beginning of a problem. */
const suspicion = 'possible attack:';

export type Belief<T> =
  | { readonly kind: 'believed'; readonly value: T }
  | { readonly kind: 'missing' }
  /** `problem` says to people which node, and who can write it. */
  | { readonly kind: 'suspect'; readonly problem: string };

/**
 * What `read` gives, if every node of `chain` can be believed. `chain` begins with the uppermost. What an address rests
 * on is read with a transaction's store and counts only when that commits; a suspicion counts at once.
 */
export async function believe<T>(
  store: Store,
  chain: readonly XenstorePath[],
  read: () => Promise<T>,
): Promise<Belief<T>> {
  const [value, ...permissions] = await Promise.all([
    unlessMissing(read()),
    ...chain.map((path) => unlessMissing(store.permissions(path))),
  ]);
  if (value === undefined || permissions.includes(undefined)) return { kind: 'missing' };
  for (const [index, path] of chain.entries()) {
    const weakness = weaknessOf(permissions[index]);
    if (weakness !== undefined)
      return { kind: 'suspect', problem: say(directoryWarnings.notBelieved, { node: path, reason: weakness }) };
  }
  return { kind: 'believed', value };
}

/** True for the problem of a `suspect`. */
export function isSuspicion(problem: string): boolean {
  return problem.startsWith(suspicion);
}

/** How a guest could write a node with these permissions; undefined where none could. */
export function weaknessOf(permissions: Permissions | undefined): string | undefined {
  if (permissions === undefined) return directoryWarnings.noPermissions;
  const { owner, others, entries } = permissions;
  if (owner !== 0) return say(directoryWarnings.otherOwner, { n: owner });
  if (others === 'write' || others === 'both') return directoryWarnings.everyoneMayWrite;
  const writer = entries.find(({ access }) => access === 'write' || access === 'both');
  return writer === undefined ? undefined : say(directoryWarnings.domainMayWrite, { n: writer.domid });
}

/** Undefined where the node, or one above it, is not there. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
