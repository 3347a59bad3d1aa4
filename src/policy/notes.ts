/** What of policies does nothing, or says two things, as sentences with their places. Pure. */
import { headline } from '../config/toml-decode.ts';
import { contains } from '../model/address.ts';
import type { AllowRule, DenyRule, Place, PolicedZone, Policy } from './model.ts';
import { policiesOf, selects } from './select.ts';

/** Policies that are about none of `zones`, and rules that lead to a zone that is none of them. */
export function aboutNoZone(policies: readonly Policy[], zones: readonly PolicedZone[]): string[] {
  const names = new Set(zones.map(({ name }) => name));
  return policies.flatMap(({ place, selector, egress }) => {
    const isUsed = zones.some((zone) => selects(selector, zone));
    const unused = isUsed ? [] : [sentenceAt(place, 'this policy is about no zone')];
    const lost = (egress?.allow ?? []).flatMap((rule) => {
      if (rule.kind === 'icmp' || rule.target.kind !== 'zone' || names.has(rule.target.name)) return [];
      return [sentenceAt(rule.place, `"${rule.text}" opens nothing: there is no zone "${rule.target.name}"`)];
    });
    return [...unused, ...lost];
  });
}

/** Of policies that are about the same zone: an audit that another one's enforce ends, and what is allowed and denied at once. */
export function contradictions(policies: readonly Policy[], zones: readonly PolicedZone[]): string[] {
  const judged = new Set<string>();
  const told = zones.flatMap((zone) => {
    const own = policiesOf(policies, zone).filter(({ egress }) => egress !== undefined);
    const key = own.map(({ place }) => `${place.file}:${place.line}`).join();
    if (judged.has(key)) return [];
    judged.add(key);
    return [...endedAudits(own, zone), ...deniedAllows(own)];
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

function deniedAllows(policies: readonly Policy[]): string[] {
  const deny = policies.flatMap(({ egress }) => egress?.deny ?? []);
  return policies
    .flatMap(({ egress }) => egress?.allow ?? [])
    .flatMap((rule) => {
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
