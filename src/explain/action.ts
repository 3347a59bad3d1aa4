/** Statements that are neither conditions nor plain verdicts: marks, translations, queues. */
import type { Address } from '../model/address.ts';
import { parseAddress } from '../model/address.ts';
import type { Place } from '../rules/chain.ts';
import { evaluate } from '../rules/expression.ts';
import { lookUp } from '../rules/lookup.ts';
import type { Translation } from '../rules/packet.ts';
import { route } from '../rules/routing.ts';
import { isRecord, type Rule, textOf } from '../rules/ruleset.ts';
import { constantOf } from '../rules/value.ts';
import { masqueradeAddress, primaryAddress } from './host-address.ts';
import type { Traveller } from './traveller.ts';

type Outcome = 'accept' | 'drop' | 'continue';
type Here = Place<Rule> & { readonly traveller: Traveller };
/** Connection tracking sees a packet at this priority of prerouting and output (NF_IP_PRI_CONNTRACK). */
const conntrackPriority = -200;

/** What the statement does; unknown ones do nothing that matters here (log, counter, set …). */
export function act(rule: Rule, kind: string, inner: unknown, place: Here): Outcome {
  switch (kind) {
    case 'mangle':
      return mangle(rule, inner, place);
    case 'notrack':
      if (place.priority < conntrackPriority) {
        place.traveller.untracked = true;
        place.traveller.note('notrack', rule, place);
      }
      return 'continue';
    case 'snat':
    case 'masquerade':
    case 'dnat':
    case 'redirect':
      return translate(rule, kind, isRecord(inner) ? inner : {}, place);
    // Somebody else decides; what comes back from a queue does so behind the chain.
    case 'queue':
      return doubtful(rule, place, 'it hands the packet to somebody else (queue)') === 'drop' ? 'drop' : 'accept';
    case 'synproxy':
    case 'tproxy':
      return doubtful(rule, place, `it diverts the packet (${kind})`);
    case 'fwd':
      place.traveller.note('drop', rule, place);
      return 'drop';
    case 'loop':
      return 'drop';
    case 'undecided-target':
      return doubtful(rule, place, `it has the target ${textOf(inner)}`);
    default:
      return 'continue';
  }
}

function doubtful(rule: Rule, place: Here, why: string): Outcome {
  if (!place.traveller.assume(rule, place, why)) return 'continue';
  place.traveller.note('drop', rule, place);
  return 'drop';
}

function mangle(rule: Rule, inner: unknown, place: Here): Outcome {
  const { traveller, hook, sets } = place;
  if (!isRecord(inner)) return 'continue';
  const key = isRecord(inner['key']) ? inner['key'] : {};
  const constant = constantOf('number', inner['value']);
  const value = constant === undefined ? evaluate(inner['value'], traveller.view(hook, sets)) : undefined;
  const result = constant ?? (value?.state === 'known' ? value.value : undefined);
  const mark = typeof result === 'bigint' ? Number(result) : undefined;
  if (isKey(key['ct'], 'zone')) return putIntoZone(rule, key['ct'], mark, place);
  if (isKey(key['meta'], 'mark')) traveller.packet = { ...traveller.packet, mark };
  else if (isKey(key['ct'], 'mark') && traveller.connection !== undefined) {
    traveller.connection = { ...traveller.connection, mark };
  } else if (isRecord(key['payload'])) return rewrite(rule, key['payload'], inner['value'], place);
  else return 'continue';
  traveller.note('mark', rule, place);
  return 'continue';
}

/** Holds for packets that connection tracking has not seen yet. */
function putIntoZone(rule: Rule, ct: unknown, zone: number | undefined, place: Here): Outcome {
  if (place.priority >= conntrackPriority) return 'continue';
  if (zone === undefined)
    return doubtful(rule, place, 'it chooses a zone of connection tracking that is not known here');
  const direction = isRecord(ct) ? ct['dir'] : undefined;
  place.traveller.zones = {
    original: direction === 'reply' ? 0 : zone,
    reply: direction === 'original' ? 0 : zone,
  };
  place.traveller.note('zone', rule, place);
  return 'continue';
}

/** A rule that writes an address into the packet, without connection tracking knowing. */
function rewrite(rule: Rule, field: Readonly<Record<string, unknown>>, value: unknown, place: Here): Outcome {
  if (field['field'] !== 'saddr' && field['field'] !== 'daddr') return 'continue';
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address === undefined) return doubtful(rule, place, 'it rewrites an address');
  const { traveller } = place;
  const which = field['field'] === 'saddr' ? 'source' : 'destination';
  traveller.packet = { ...traveller.packet, [which]: address };
  traveller.note('translate', rule, place);
  return 'continue';
}

function isKey(inner: unknown, key: string): boolean {
  return isRecord(inner) && inner['key'] === key;
}

function translate(rule: Rule, kind: string, fields: Readonly<Record<string, unknown>>, place: Here): Outcome {
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
    traveller.note('drop', rule, place, why);
    return 'drop';
  }
  if (traveller.connection !== undefined) {
    traveller.translate(which, to);
    traveller.note('translate', rule, place);
  }
  return 'accept';
}

/** `none`: the kernel drops what it cannot give an address (masquerade and redirect without one on the link). */
function targetOf(
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  place: Here,
): Translation | 'unknown' | 'none' {
  const { packet, host } = place.traveller;
  const port = typeof fields['port'] === 'number' ? fields['port'] : undefined;
  if (kind === 'masquerade' || kind === 'redirect') {
    const address =
      kind === 'masquerade'
        ? leavingAs(place.traveller)
        : primaryAddress(host.links.get(packet.input ?? ''), packet.family);
    return address === undefined ? 'none' : { address, port };
  }
  return named(fields['addr'], port, place);
}

function leavingAs({ packet, host }: Traveller): Address | undefined {
  const { family, source, destination, input, output, mark = 0 } = packet;
  if (output === undefined) return undefined;
  const answer = route(host.routing[family], { family, source, destination, input, mark });
  const found = answer.kind === 'route' ? answer.route : undefined;
  const hop = found?.nexthops?.find(({ dev }) => dev === output)?.gateway ?? found?.gateway;
  return masqueradeAddress(host.links, output, destination, parseAddress(hop ?? ''));
}

function named(addr: unknown, port: number | undefined, place: Here): Translation | 'unknown' {
  const { traveller, hook, sets } = place;
  if (addr === undefined) return { address: undefined, port };
  if (typeof addr === 'string') return plain(addr, port);
  if (!isRecord(addr)) return 'unknown';
  if (isRecord(addr['prefix'])) return plain(addr['prefix']['addr'], port);
  // The kernel picks one of the range: the first stands for all of them.
  if (Array.isArray(addr['range'])) return plain(addr['range'][0], port);
  if (isRecord(addr['map'])) {
    const found = lookUp(addr['map']['data'], evaluate(addr['map']['key'], traveller.view(hook, sets)), sets, true);
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
