/** `--to api.example.com:443`: whether the zone's policy allows the name, and what it has been leased. Pure. */

import { type Family, familyOf } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { PortRule, Transport } from '../policy/model.ts';
import { parsePattern } from '../policy/pattern.ts';
import { nameDenial, nameRules } from '../policy/verdict.ts';
import { findings } from '../words/findings.ts';
import type { Facts } from './facts.ts';
import { addRule, portRule } from './policy-fix.ts';
import { quoted } from './policy-steps.ts';
import type { Request } from './request.ts';
import { type Step, step } from './step.ts';
import { type HeldLease, isPoliced, leasesOf, placeText, policyOf, timeText } from './zone-policy.ts';

const { noForwarder } = findings.reported;

/** What a request asks about a name of a host. */
export interface NameAsked {
  readonly name: string;
  readonly transport: Transport;
  readonly port: number;
  /** Undefined where every family that fits is meant. */
  readonly family: Family | undefined;
}

/** What is known of a name for a zone. */
export interface NameAnswer {
  readonly step: Step;
  /** One of each family that the kernel holds for this name and port. */
  readonly leases: readonly HeldLease[];
}

/** Undefined where the request is about an address or a zone. Throws `usage` for what cannot be a name, and where a port is missing. */
export function nameIn({ to, from, port, transport, family }: Request, { snapshot }: Facts): NameAsked | undefined {
  if (to === undefined || !('name' in to) || from !== undefined || !to.name.includes('.')) return undefined;
  if (snapshot.zones.some(({ name }) => name === to.name)) return undefined;
  const pattern = parsePattern(to.name);
  if (typeof pattern === 'string') throw usage(`--to: ${quoted(to.name)} ${pattern}`);
  if (pattern.labels !== 'none') throw usage(`--to is '${to.name}', a pattern; expected one name, without *`);
  if (port === undefined || transport === 'icmp')
    throw usage(
      `--to is '${to.name}', a name, which policies allow by port; expected ${pattern.base}:443, for example`,
    );
  return { name: pattern.base, transport, port, family };
}

/** Throws `usage` where no policy is about the zone: nobody here knows what its resolver answers. */
export function answerName(asked: NameAsked, link: string, facts: Facts): NameAnswer {
  const { name, transport, port } = asked;
  const policy = policyOf(link, facts.snapshot);
  if (policy === undefined)
    throw usage(
      `--to is '${name}': no policy is about ${link}, so that names are not resolved here; give an address of it`,
    );
  const { egress } = policy;
  const denial = nameDenial(egress, name);
  if (denial !== undefined) return closed(`${name} is denied by ${placeText(denial.place)}: ${quoted(denial.text)}`);
  const rules = nameRules(egress, name);
  const rule = rules.find((each) => isAbout(each, asked));
  const leases = leasesOf(link, facts.ruleset).filter(
    (lease) => lease.name === name && lease.transport === transport && lease.port === port,
  );
  if (rule === undefined) {
    const what = portRule(name, transport, port);
    const text = `no rule of the zone’s policies allows ${what}`;
    const fix = [addRule(what, policy, facts.snapshot)];
    const details = [
      ...policy.policies.map(({ place }) => `the zone’s policy: ${placeText(place)}`),
      ...rules.map((each) => `at other ports: ${placeText(each.place)}: ${quoted(each.text)}`),
    ];
    if (egress.mode === 'enforce' && leases.length === 0) return { ...closed(text, details, fix) };
    const more =
      egress.mode === 'audit'
        ? 'the mode is audit, so that its addresses pass, and "enforce" would deny them: explain one of them'
        : 'what was leased before passes until the daemon takes it back';
    return { step: step('name', 'unknown', `${text}; ${more}`, { details, fix }), leases: perFamily(leases, asked) };
  }
  const allowed = `${name} is allowed by ${placeText(rule.place)}: ${quoted(rule.text)}`;
  if (leases.length === 0) return { step: notAsked(allowed, link, facts), leases };
  const details = leases.map(({ address, seconds }) => `${address} for ${timeText(seconds)} more`);
  return { step: step('name', 'good', allowed, { details }), leases: perFamily(leases, asked) };
}

function closed(text: string, details: readonly string[] = [], fix: readonly string[] = []): NameAnswer {
  return { step: step('name', 'bad', text, { details, ...(fix.length > 0 && { fix }) }), leases: [] };
}

/** The addresses are not known before a zone asks: nothing here asks a resolver. */
function notAsked(allowed: string, link: string, facts: Facts): Step {
  if (!isPoliced(link, facts))
    return step('name', 'unknown', `${allowed}; the kernel does not hold the policy: it is not in force`, {
      fix: ['protect-network status'],
    });
  if (facts.snapshot.daemon.forwarder === false) {
    const text = `${noForwarder.what}: the zone’s questions for the name are not answered`;
    return step('name', 'bad', text, { details: [allowed], fix: [noForwarder.fix] });
  }
  const connected = facts.snapshot.daemon.forwarder === true ? ['the forwarder of names is connected'] : [];
  const text = 'no address is open for it: the zone has not asked for the name, or got no address that may be opened';
  const cause = 'why a question for it opened nothing: journalctl -u protect-network -u protect-network-dns -n 50';
  return step('name', 'unknown', text, { details: [allowed, ...connected, cause] });
}

function perFamily(leases: readonly HeldLease[], { family }: NameAsked): HeldLease[] {
  const wanted = leases.filter(({ address }) => family === undefined || familyOf(address) === family);
  return [...new Map(wanted.map((lease) => [familyOf(lease.address), lease])).values()];
}

function isAbout(rule: PortRule, { transport, port }: NameAsked): boolean {
  return rule.transport === transport && rule.ports.first <= port && port <= rule.ports.last;
}

function usage(message: string): ProtectNetworkError {
  return new ProtectNetworkError('usage', message);
}
