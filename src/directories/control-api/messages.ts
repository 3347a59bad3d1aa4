/**
 * The few protobuf messages that we read, as a descriptor in code: nothing has to be found on disk at run time. Field
 * numbers are those of Edera's published protobuf package and of krata's (crates/krata/proto/krata/v1); fields that are
 * not named here are skipped, as protobuf does. Enums are read as their numbers: what an unknown one means is decided
 * in `zone.ts`. `test/control-api/*.proto` writes the same interfaces down a second time, for the server of the tests.
 */
import { fromJSON, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

export type ServiceName = 'protect.control.v1' | 'krata.v1.control';
export type Method = MethodDefinition<object, object>;

export interface Methods {
  readonly listZones: Method;
  readonly watchEvents: Method;
}

/** The two methods of one of the services; replies are plain objects, absent messages null, absent lists empty. */
export function methodsOf(service: ServiceName): Methods {
  const definition = definitions[`${service}.ControlService`] as ServiceDefinition;
  const { ListZones: listZones, WatchEvents: watchEvents } = definition;
  if (listZones === undefined || watchEvents === undefined) throw new TypeError(`${service} lacks a method`);
  return { listZones, watchEvents };
}

interface Field {
  readonly id: number;
  readonly type: string;
  readonly rule?: 'repeated';
}

interface Message {
  readonly fields: Readonly<Record<string, Field>>;
}

function message(fields: Readonly<Record<string, Field>>): Message {
  return { fields };
}

/** Called as a stream in either service, see `call.ts`. `comment` is what protobufjs's types ask for. */
function method(name: string) {
  return { requestType: `${name}Request`, responseType: `${name}Reply`, responseStream: true, comment: '' };
}

/** A package with the messages that both services share, and its own `messages`. */
function controlService(messages: Readonly<Record<string, Message>>) {
  return {
    nested: {
      ControlService: {
        methods: { ListZones: method('ListZones'), WatchEvents: method('WatchEvents') },
      },
      ListZonesRequest: message({}),
      ListZonesReply: message({ zones: { id: 1, type: 'Zone', rule: 'repeated' } }),
      WatchEventsRequest: message({}),
      WatchEventsReply: message({ zoneChanged: { id: 1, type: 'ZoneChangedEvent' } }),
      ZoneChangedEvent: message({ zone: { id: 1, type: 'Zone' } }),
      Zone: message({
        id: { id: 1, type: 'string' },
        spec: { id: 2, type: 'ZoneSpec' },
        status: { id: 3, type: 'ZoneStatus' },
      }),
      ZoneStatus: message({
        state: { id: 1, type: 'int32' },
        networkStatus: { id: 2, type: 'ZoneNetworkStatus' },
        domid: { id: 6, type: 'uint32' },
      }),
      ...messages,
    },
  };
}

const edera = controlService({
  ZoneSpec: message({
    name: { id: 1, type: 'string' },
    networkOptions: { id: 8, type: 'ZoneNetworkOptionsSpec' },
  }),
  ZoneNetworkOptionsSpec: message({ backend: { id: 4, type: 'int32' } }),
  ZoneNetworkStatus: message({ interfaces: { id: 1, type: 'ZoneNetworkInterfaceStatus', rule: 'repeated' } }),
  ZoneNetworkInterfaceStatus: message({
    hostInterface: { id: 1, type: 'string' },
    ips: { id: 4, type: 'ZoneNetworkIp', rule: 'repeated' },
  }),
  ZoneNetworkIp: message({ address: { id: 2, type: 'string' } }),
});

/** Field 8 of krata's ZoneSpec is a list of devices, not network options: it must not be read as a backend. */
const krata = controlService({
  ZoneSpec: message({ name: { id: 1, type: 'string' } }),
  ZoneNetworkStatus: message({
    zoneIpv4: { id: 1, type: 'string' },
    zoneIpv6: { id: 2, type: 'string' },
  }),
});

const definitions = fromJSON(
  {
    nested: {
      protect: { nested: { control: { nested: { v1: edera } } } },
      krata: { nested: { v1: { nested: { control: krata } } } },
    },
  },
  { defaults: true, arrays: true },
);
