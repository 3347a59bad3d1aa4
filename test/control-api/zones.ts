/** Zones as the two services would list them. */
import type { WireZone } from './server.ts';

interface EderaOptions {
  readonly name?: string;
  readonly state?: number;
  readonly backend?: number;
  readonly link?: string;
  readonly interfaces?: readonly { readonly hostInterface: string; readonly addresses: readonly string[] }[];
}

/** A READY zone of Edera's on `vif<domid>.0`, unless said otherwise. */
export function ederaZone(
  id: string,
  domid: number,
  addresses: readonly string[],
  options: EderaOptions = {},
): WireZone {
  const { name = id, state = 3, backend = 0, link = `vif${domid}.0` } = options;
  const interfaces = options.interfaces ?? [{ hostInterface: link, addresses }];
  return {
    id,
    spec: { name, networkOptions: { assumeNetworkReservation: 'r', backend } },
    status: {
      state,
      host: 'host',
      domid,
      networkStatus: {
        interfaces: interfaces.map(({ hostInterface, addresses }) => ({
          hostInterface,
          zoneInterface: 'eth0',
          zoneMac: '00:16:3e:00:00:01',
          ips: addresses.map((address) => ({ version: address.includes(':') ? 2 : 1, address, gateway: '10.75.0.1' })),
          mtu: 1500,
        })),
        routes: ['default'],
      },
    },
  };
}

/** A CREATED zone of krata's, with a device in ZoneSpec's field 8. */
export function krataZone(id: string, domid: number, zoneIpv4: string, zoneIpv6 = '', state = 2): WireZone {
  return {
    id,
    spec: { name: id, devices: [{ name: 'gpu', backend: 1 }] },
    status: {
      state,
      domid,
      networkStatus: { zoneIpv4, zoneIpv6, zoneMac: '00:16:3e:00:00:01', gatewayIpv4: '10.75.0.1/16', gatewayIpv6: '' },
    },
  };
}
