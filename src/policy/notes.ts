/** What of policies does nothing, or says two things, as sentences with their places. Pure. */
import type { DistantZone } from '../config/fleet.ts';
import { headline } from '../config/toml-decode.ts';
import { contains } from '../model/address.ts';
import type { PolicyBook } from './book.ts';
import type { AllowRule, DenyRule, Place, PolicedZone, Policy, ZoneEgress } from './model.ts';

/** Policies that are about none of `zones`, and rules that lead to a zone that is none of them, nor one of another host. */
export function aboutNoZone(
  book: PolicyBook,
  zones: readonly PolicedZone[],
  distant: readonly DistantZone[],
): string[] {
  const used = new Set(zones.flatMap((zone) => book.policiesOf(zone)));
  const names = new Set([...zones, ...distant].map(({ name }) => name));
  return book.policies.flatMap((policy) => {
    const { place, egress } = policy;
    const unused = used.has(policy) ? [] : [sentenceAt(place, 'this policy is about no zone')];
    const lost = (egress?.allow ?? []).flatMap((rule) => {
      if (rule.kind === 'icmp' || rule.target.kind !== 'zone' || names.has(rule.target.name)) return [];
      return [sentenceAt(rule.place, `"${rule.text}" opens nothing: there is no zone "${rule.target.name}"`)];
    });
    return [...unused, ...lost];
  });
}

/** Of policies that are about the same zone: an audit that another one's enforce ends, and what is allowed and denied at once. */
export function contradictions(book: PolicyBook, zones: readonly PolicedZone[]): string[] {
  const judged = new Set<ZoneEgress>();
  const told = zones.flatMap((zone) => {
    const egress = book.egressOf(zone);
    if (egress === undefined || judged.has(egress)) return [];
    judged.add(egress);
    return [...endedAudits(book.policiesOf(zone), zone), ...deniedAllows(egress)];
  });
  return [...new Set(told)];
}

function endedAudits(policies: readonly Policy[], { name, link }: PolicedZone): string[] {
  const enforcing = policies.find(({ egress }) => egress?.mode === 'enforce');
  if (enforcing === undefined) return [];
  const { file, line } = enforcing.place;
  const audits = policies.filter(({ egress }) => egress?.mode === 'audit');
  return audits.map(({ place }) =>
    sentenceAt(place, `mode "audit" is not in force for zone ${name ?? link}: ${file}:${line} enforces`),
  );
}

function deniedAllows({ allow, deny }: ZoneEgress): string[] {
  return allow.flatMap((rule) => {
    const denial = deny.find((each) => covers(each, rule));
    if (denial === undefined) return [];
    const { file, line } = denial.place;
    return [sentenceAt(rule.place, `"${rule.text}" opens nothing: ${file}:${line} denies "${denial.text}"`)];
  });
}

/** Nothing of what the rule allows is left. */
function covers({ target: denied }: DenyRule, rule: AllowRule): boolean {
  if (rule.kind === 'icmp') return false;
  const { target } = rule;
  if (denied.kind === 'prefix' && target.kind === 'prefix') {
    const [outer, inner] = [denied.prefix, target.prefix];
    return outer.family === inner.family && outer.length <= inner.length && contains(outer, inner.address);
  }
  return denied.kind === 'name' && target.kind === 'name' && denied.pattern.text === target.pattern.text;
}

function sentenceAt({ file, line, column }: Place, sentence: string): string {
  return headline(file, { line, column, sentence });
}
