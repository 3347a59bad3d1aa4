/** FRR as the router of a LAN: what `examples/bird-router.conf` is for BIRD, in FRR's words. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from './namespace.ts';
import { waitFor } from './wait-for.ts';

const daemons = '/usr/lib/frr';

/** Of LAN `lan`, for the dom0s with these numbers. */
function frrConfig(lan: number, hosts: readonly number[]): string {
  const address = (host: number) => `10.0.${lan}.${host}`;
  return [
    'router bgp 4200000000',
    ` bgp router-id 10.0.${lan}.254`,
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ...hosts.flatMap((host) => [
      ` neighbor ${address(host)} remote-as 420000000${host}`,
      ` neighbor ${address(host)} password change-me`,
      ` neighbor ${address(host)} ttl-security hops 1`,
      ` neighbor ${address(host)} timers connect 1`,
    ]),
    ...(['ipv4', 'ipv6'] as const).flatMap((family) => [
      ` address-family ${family} unicast`,
      ...hosts.flatMap((host) => [
        `  neighbor ${address(host)} activate`,
        `  neighbor ${address(host)} prefix-list fleet-${family} in`,
        `  neighbor ${address(host)} prefix-list fleet-${family} out`,
      ]),
      ' exit-address-family',
    ]),
    'ip prefix-list fleet-ipv4 permit 10.75.0.0/16 ge 32',
    'ipv6 prefix-list fleet-ipv6 permit fdd4:1476:6c7e::/48 ge 128',
    '',
  ].join('\n');
}

/**
 * zebra, and once it listens bgpd, which otherwise looks for it again after 10 s and announces no IPv6 that BIRD takes until then (FRR
 * 8.4.4: 13.6 s to two ways where zebra began 0.7 s later, 3.3 s in this order). Their sockets lie in `directory`.
 */
export async function startFrr(
  namespace: Namespace,
  directory: string,
  lan: number,
  hosts: readonly number[],
): Promise<void> {
  const own = join(directory, `frr${lan}`);
  mkdirSync(own);
  // Its daemons give up root, and are particular about groups.
  chmodSync(directory, 0o711);
  execFileSync('chown', ['frr:frr', own]);
  const [file, zserv] = [join(own, 'frr.conf'), join(own, 'zserv')];
  writeFileSync(file, frrConfig(lan, hosts));
  const start = (daemon: string) =>
    namespace.spawn(join(daemons, daemon), [
      ...['-f', file, '-i', join(own, `${daemon}.pid`), '-z', zserv, '--vty_socket', own],
      ...['-A', '127.0.0.1', '-P', '0', '--log', 'stdout'],
    ]);
  start('zebra');
  await waitFor(() => existsSync(zserv), { what: 'zebra to listen', deadlineMs: 20_000 });
  start('bgpd');
}
