/** What `ct …` yields: for the first packet of a new connection, or for its reply. Pure. */
import type { Address } from '../model/address.ts';
import { type Endpoints, protocolOf } from './packet.ts';
import { connectionStates, connectionStatuses } from './symbols.ts';
import { absent, addressValue, ephemeralPort, known, unknown, type Value } from './value.ts';
import type { View } from './view.ts';

export function connectionField(key: string, direction: unknown, view: View): Value {
  const { connection, packet } = view;
  if (key === 'state') return known('ct-state', stateOf(view));
  if (connection === undefined) return absent;
  const replied = direction === 'reply';
  switch (key) {
    case 'direction':
      return known('ct-direction', packet.reply ? 1 : 0);
    case 'status':
      return known('ct-status', statusOf(view));
    case 'mark':
      return connection.mark === undefined
        ? unknown('the connection mark that a rule set')
        : known('number', connection.mark);
    case 'zone':
      return known(
        'number',
        replied || (direction === undefined && packet.reply) ? connection.zones.reply : connection.zones.original,
      );
    case 'label':
    case 'secmark':
      return known('number', 0);
    case 'l3proto':
      return known('family', packet.family === 'ipv4' ? 2 : 10);
    case 'protocol':
      return protocolOf(packet);
    case 'saddr':
    case 'ip saddr':
    case 'ip6 saddr':
      return address(key, packet.family, endpoints(view, replied).source);
    case 'daddr':
    case 'ip daddr':
    case 'ip6 daddr':
      return address(key, packet.family, endpoints(view, replied).destination);
    case 'proto-src':
      return port(endpoints(view, replied).sourcePort, view);
    case 'proto-dst':
      return port(endpoints(view, replied).destinationPort, view);
    default:
      return unknown(`the connection's ${key}`);
  }
}

function stateOf({ connection, untracked, packet }: View): number {
  if (connection === undefined) return untracked ? connectionStates.untracked : connectionStates.invalid;
  return packet.reply && !connection.orphan ? connectionStates.established : connectionStates.new;
}

function statusOf({ connection, packet }: View): number {
  let status = packet.reply ? connectionStatuses['seen-reply'] | connectionStatuses.confirmed : 0;
  if (connection?.destinationNat !== undefined) status |= connectionStatuses.dnat;
  if (connection?.sourceNat !== undefined) status |= connectionStatuses.snat;
  return status;
}

/** The reply's endpoints as far as they are decided: a translation of the source comes last, at postrouting. */
function endpoints({ connection, packet }: View, replied: boolean): Endpoints<Address | Value> {
  if (connection === undefined) return packet;
  const { original, destinationNat, sourceNat } = connection;
  if (!replied) return original;
  return {
    source: destinationNat?.address ?? original.destination,
    destination: sourceNat?.address ?? original.source,
    sourcePort: destinationNat?.port ?? original.destinationPort,
    destinationPort: sourceNat?.port ?? original.sourcePort,
  };
}

function address(key: string, family: 'ipv4' | 'ipv6', value: Address | Value): Value {
  if (key.startsWith('ip ') && family === 'ipv6') return absent;
  if (key.startsWith('ip6 ') && family === 'ipv4') return absent;
  return addressValue(family, value);
}

function port(value: number | undefined, { packet }: View): Value {
  if (packet.transport === undefined) return unknown("the connection's ports");
  return value === undefined ? ephemeralPort('port of the sender') : known('number', value);
}
