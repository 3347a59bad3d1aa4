/** A status with something of everything, for the texts that people read. */
import type { Status } from '../../../src/control/status.ts';
import { address, noon, statusOf, zoneOf } from '../control/support.ts';

export const troubled: Status = statusOf({
  state: 'degraded',
  zones: [
    zoneOf({ spoofed: { packets: 12_345, bytes: 1_000_000 }, received: { packets: 2e9, bytes: 3.2e12 } }),
    zoneOf({
      link: 'vif1339.2',
      ifindex: 43,
      name: '数据库',
      addresses: [address('10.75.12.34')],
      since: noon - 40_000,
    }),
    zoneOf({
      link: 'vif9.0',
      ifindex: 44,
      name: null,
      addresses: [],
      directory: null,
      state: 'unserved',
      reason: 'no zone directory knows it',
      sent: null,
      received: null,
      spoofed: null,
    }),
  ],
  failures: [{ what: 'host', reason: 'nft: Operation not permitted', attempts: 3, nextTryAt: noon + 4000 }],
  warnings: ['/var/lib/edera/protect/daemon.toml does not exist: the default subnets are used'],
});
