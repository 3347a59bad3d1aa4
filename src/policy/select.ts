/** Which policies are about a zone, and what they add up to. Pure. */
import { type Address, contains } from '../model/address.ts';
import { smallest } from './limits.ts';
import type { Limits, PolicedZone, Policy, Selector, ZoneEgress, ZonePolicy } from './model.ts';

/** Those that are about `zone`, in their order. */
export function policiesOf(policies: readonly Policy[], zone: PolicedZone): Policy[] {
  return policies.filter(({ selector }) => selects(selector, zone));
}

/** What holds for `zone`; undefined where no policy with egress is about it: it may do everything. */
export function egressOf(policies: readonly Policy[], zone: PolicedZone): ZoneEgress | undefined {
  return addUp(policiesOf(policies, zone));
}

/** What several policies allow and deny together; undefined where none of them has egress. */
export function addUp(policies: readonly Policy[]): ZoneEgress | undefined {
  const all = policies.flatMap(({ egress }) => egress ?? []);
  if (all.length === 0) return undefined;
  return {
    mode: all.some(({ mode }) => mode === 'enforce') ? 'enforce' : 'audit',
    allow: all.flatMap(({ allow }) => allow),
    deny: all.flatMap(({ deny }) => deny),
  };
}

/** Of limits and egress alike; undefined where none of them has either. */
export function addUpAll(policies: readonly Policy[]): ZonePolicy | undefined {
  const [egress, limits] = [addUp(policies), policies.flatMap((policy) => policy.limits ?? [])];
  return egress === undefined && limits.length === 0 ? undefined : { egress, limits: smallest(limits) };
}

/** The smallest of each that policies about `zone` have. */
export function limitsOf(policies: readonly Policy[], zone: PolicedZone): Limits {
  return smallest(policiesOf(policies, zone).flatMap(({ limits }) => limits ?? []));
}

/** Of all zones that are called so. */
export function addressesNamed(
  name: string,
  zones: readonly { readonly name?: string | null | undefined; readonly addresses: readonly Address[] }[],
): Address[] {
  return zones.flatMap((zone) => (zone.name === name ? zone.addresses : []));
}

/** A zone without a name counts as one with an empty name, so that `*` is every zone. */
export function selects({ zones, links, addresses }: Selector, { link, name, addresses: own }: PolicedZone): boolean {
  return (
    links.includes(link) ||
    zones.some((glob) => matchesGlob(glob, name ?? '')) ||
    addresses.some((prefix) => own.some((address) => contains(prefix, address)))
  );
}

/**
 * `*` is any characters, `?` one; all else is itself. Takes at most the product of both lengths: after a mismatch only the
 * last `*` takes one character more.
 */
export function matchesGlob(glob: string, name: string): boolean {
  const plain = glob.search(/[*?]/);
  if (plain < 0) return glob === name;
  if (!name.startsWith(glob.slice(0, plain))) return false;
  const [signs, letters] = [[...glob], [...name]];
  let [sign, letter] = [0, 0];
  let star: { sign: number; letter: number } | undefined;
  while (letter < letters.length) {
    if (signs[sign] === '*') {
      star = { sign, letter };
      sign += 1;
    } else if (sign < signs.length && (signs[sign] === '?' || signs[sign] === letters[letter])) {
      sign += 1;
      letter += 1;
    } else if (star !== undefined) {
      star.letter += 1;
      [sign, letter] = [star.sign + 1, star.letter];
    } else return false;
  }
  return signs.slice(sign).every((each) => each === '*');
}
