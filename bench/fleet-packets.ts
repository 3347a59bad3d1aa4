/** What a packet costs on a host of a fleet, beside the same host without `[fleet]`, and a host that routes and has no rules. */
import { ipBatch } from '../test/lab/command.ts';
import { type Fleet, fleetSettings } from '../test/lab/fleet.ts';
import { freshNamespaceLines } from '../test/lab/fresh-namespace.ts';
import { Namespace } from '../test/lab/namespace.ts';
import { farIndex } from '../test/lab/topology.ts';
import { pause, waitFor } from '../test/lab/wait-for.ts';
import type { Zone } from '../test/lab/zone.ts';
import { compile } from './lab.ts';

const port = 7007;
/** Behind the router, and no zone's. */
const outside = '10.99.0.1';
/** Of a host on the same LAN that routes and has no rules at all, and of what stands behind it as a zone does. */
const plain = { lan: '10.0.1.251', gateway: '10.75.251.1', behind: '10.75.251.7' } as const;

/** Nanoseconds of the sender's for each packet, by turns, as `out with`, `in with`, `out without` … and `in plain`. */
export async function fleetPackets(fleet: Fleet, zone: Zone, rounds: number, packets: number) {
  const [router, two] = [fleet.routers[0]?.namespace, fleet.host(2)];
  if (router === undefined) throw new Error('no router');
  const flood = await compile(two.world, 'flood');
  await router.ip(`address add ${outside}/32 dev lo`);
  await two.world.host.ip(`route add ${outside}/32 via 10.0.1.254`);
  await router.ip(`route replace ${zone.ipv4}/32 via 10.0.1.2`);
  const behindPlain = await addPlainHost(two.world.prefix, router);
  for (const sink of [router, zone, behindPlain])
    await sink.spawn(flood, ['sink', String(port)]).waitForLine((line) => line === 'ready');
  const uplink = { masquerade4: false, masquerade6: false };
  const settings = { with: { uplink, ...fleetSettings(2, 1) }, without: { uplink } } as const;
  const costs = new Map<string, number[]>();
  const send = async (name: string, from: Namespace, to: string) => {
    const cost = Number(await from.mustExec(flood, ['send', to, String(port), String(packets)]));
    costs.set(name, [...(costs.get(name) ?? []), cost]);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)) {
      await two.world.files.writeSettings(settings[kind]);
      await waitFor(
        async () =>
          (await two.world.host.mustExec('nft', ['list', 'chain', 'inet', 'edera', 'guard'])).includes('from-fleet') ===
          (kind === 'with'),
        {
          what: `the rules ${kind} a fleet`,
          deadlineMs: 20_000,
          everyMs: 50,
        },
      );
      await pause(500);
      await send(`out ${kind}`, zone, outside);
      await send(`in ${kind}`, router, String(zone.ipv4));
    }
    await send('out plain', behindPlain, outside);
    await send('in plain', router, plain.behind);
  }
  return costs;
}

/** Returns what stands behind it. */
async function addPlainHost(prefix: string, router: Namespace): Promise<Namespace> {
  const [host, behind] = [new Namespace(`${prefix}-plain`), new Namespace(`${prefix}-behind`)];
  await ipBatch([
    ...freshNamespaceLines(host.name),
    ...freshNamespaceLines(behind.name),
    `link add plain ${farIndex}902 netns ${router.name} type veth peer name eth0 netns ${host.name}`,
    `link add vif0 netns ${host.name} type veth peer name eth0 netns ${behind.name}`,
  ]);
  await host.setSysctls({ 'net/ipv4/ip_forward': 1 });
  await router.ip('link set plain master lan', 'link set plain up');
  await host.ip(
    'link set lo up',
    'link set eth0 up',
    'link set vif0 up',
    `address add ${plain.lan}/24 dev eth0`,
    `address add ${plain.gateway}/32 dev vif0`,
    `route add ${plain.behind}/32 dev vif0`,
    `route add ${outside}/32 via 10.0.1.254`,
  );
  await behind.ip(
    'link set lo up',
    'link set eth0 up',
    `address add ${plain.behind}/32 dev eth0`,
    `route add default via ${plain.gateway} dev eth0 onlink`,
  );
  await router.ip(`route replace ${plain.behind}/32 via ${plain.lan}`);
  return behind;
}
