/** Statements that are neither conditions nor plain verdicts: marks, translations, queues. */
import type { Address } from '../model/address.ts';
import { parseAddress } from '../model/address.ts';
import type { Place } from './chain.ts';
import { evaluate } from './expression.ts';
import { primaryAddress } from './host-address.ts';
import { lookUp } from './lookup.ts';
import type { Translation } from './packet.ts';
import { isRecord, type Rule, textOf } from './ruleset.ts';
import { constantOf } from './value.ts';

type Outcome = 'accept' | 'drop' | 'continue';
/** Connection tracking sees a packet at this priority of prerouting and output (NF_IP_PRI_CONNTRACK). */
const conntrackPriority = -200;

/** What the statement does; unknown ones do nothing that matters here (log, counter, set …). */
export function act(rule: Rule, kind: string, inner: unknown, place: Place): Outcome {
  switch (kind) {
    case 'mangle':
      return mangle(rule, inner, place);
    case 'notrack':
      if (place.priority < conntrackPriority) {
        place.traveller.untracked = true;
        note(rule, place, 'notrack');
      }
      return 'continue';
    case 'snat':
    case 'masquerade':
    case 'dnat':
    case 'redirect':
      return translate(rule, kind, isRecord(inner) ? inner : {}, place);
    // Somebody else decides, or the packet goes elsewhere without coming back.
    case 'queue':
    case 'synproxy':
    case 'tproxy':
      return doubtful(rule, place, `it hands the packet to somebody else (${kind})`);
    case 'fwd':
      note(rule, place, 'drop');
      return 'drop';
    case 'xt':
      return doubtful(rule, place, 'it has a target of iptables that nft does not show');
    case 'undecided-target':
      return doubtful(rule, place, `it has the target ${textOf(inner)}`);
    default:
      return 'continue';
  }
}

function doubtful(rule: Rule, place: Place, why: string): Outcome {
  if (!place.traveller.assume(rule, place.hook, why)) return 'continue';
  note(rule, place, 'drop');
  return 'drop';
}

function note(rule: Rule, { traveller, hook, chain }: Place, what: 'drop' | 'notrack' | 'mark' | 'translate'): void {
  traveller.note({ hook, chain, rule, what, text: rule.text });
}

function mangle(rule: Rule, inner: unknown, place: Place): Outcome {
  const { traveller, hook, table } = place;
  if (!isRecord(inner)) return 'continue';
  const key = isRecord(inner['key']) ? inner['key'] : {};
  const constant = constantOf('number', inner['value']);
  const value = constant === undefined ? evaluate(inner['value'], traveller.view(hook, table.sets)) : undefined;
  const result = constant ?? (value?.state === 'known' ? value.value : undefined);
  const mark = typeof result === 'bigint' ? Number(result) : undefined;
  if (isKey(key['meta'], 'mark')) traveller.packet = { ...traveller.packet, mark };
  else if (isKey(key['ct'], 'mark') && traveller.connection !== undefined) {
    traveller.connection = { ...traveller.connection, mark };
  } else if (isRecord(key['payload'])) return rewrite(rule, key['payload'], inner['value'], place);
  else return 'continue';
  note(rule, place, 'mark');
  return 'continue';
}

/** A rule that writes an address into the packet, without connection tracking knowing. */
function rewrite(rule: Rule, field: Readonly<Record<string, unknown>>, value: unknown, place: Place): Outcome {
  if (field['field'] !== 'saddr' && field['field'] !== 'daddr') return 'continue';
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address === undefined) return doubtful(rule, place, 'it rewrites an address');
  const { traveller } = place;
  const which = field['field'] === 'saddr' ? 'source' : 'destination';
  traveller.packet = { ...traveller.packet, [which]: address };
  note(rule, place, 'translate');
  return 'continue';
}

function isKey(inner: unknown, key: string): boolean {
  return isRecord(inner) && inner['key'] === key;
}

function translate(rule: Rule, kind: string, fields: Readonly<Record<string, unknown>>, place: Place): Outcome {
  const { traveller } = place;
  const { family } = traveller.packet;
  // A translation of the other family is none for this packet.
  if (fields['family'] !== undefined && fields['family'] !== (family === 'ipv4' ? 'ip' : 'ip6')) return 'continue';
  const which = kind === 'snat' || kind === 'masquerade' ? 'source' : 'destination';
  const to = targetOf(kind, fields, place);
  if (to === 'unknown') return doubtful(rule, place, 'it translates to an address that is not known from here');
  if (to === 'none') {
    const link = which === 'source' ? traveller.packet.output : traveller.packet.input;
    const why = `${link ?? 'the link'} has no address to translate to, and the kernel drops it`;
    traveller.note({ hook: place.hook, chain: place.chain, rule, what: 'drop', text: rule.text, why });
    return 'drop';
  }
  if (traveller.connection !== undefined) {
    traveller.translate(which, to);
    traveller.note({ hook: place.hook, chain: place.chain, rule, what: 'translate', text: rule.text });
  }
  return 'accept';
}

/** `none`: the kernel drops what it cannot give an address (masquerade and redirect without one on the link). */
function targetOf(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  place: Place,
): Translation | 'unknown' | 'none' {
  const { packet, host } = place.traveller;
  const port = typeof fields['port'] === 'number' ? fields['port'] : undefined;
  if (kind === 'masquerade' || kind === 'redirect') {
    const link = kind === 'masquerade' ? packet.output : packet.input;
    const address = link === undefined ? undefined : primaryAddress(host.links.get(link), packet.family);
    return address === undefined ? 'none' : { address, port };
  }
  return named(fields['addr'], port, place);
}

function named(addr: unknown, port: number | undefined, place: Place): Translation | 'unknown' {
  const { traveller, table, hook } = place;
  if (addr === undefined) return { address: undefined, port };
  if (typeof addr === 'string') return plain(addr, port);
  if (!isRecord(addr)) return 'unknown';
  if (isRecord(addr['prefix'])) return plain(addr['prefix']['addr'], port);
  // The kernel picks one of the range: the first stands for all of them.
  if (Array.isArray(addr['range'])) return plain(addr['range'][0], port);
  if (isRecord(addr['map'])) {
    const found = lookUp(
      addr['map']['data'],
      evaluate(addr['map']['key'], traveller.view(hook, table.sets)),
      table.sets,
      true,
    );
    const [address, mappedPort] =
      isRecord(found.data) && Array.isArray(found.data['concat']) ? found.data['concat'] : [found.data, port];
    return plain(address, typeof mappedPort === 'number' ? mappedPort : port);
  }
  return 'unknown';
}

function plain(text: unknown, port: number | undefined): Translation | 'unknown' {
  const address: Address | undefined = typeof text === 'string' ? parseAddress(text) : undefined;
  return address === undefined ? 'unknown' : { address, port };
}
