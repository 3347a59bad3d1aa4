/** A zone comes to life: what the host holds then, and whom the zone reaches. */
import assert from 'node:assert/strict';
import { families } from '../../../src/model/address.ts';
import { farHost, gateway, hostUplink } from '../../lab/addresses.ts';
import { waitFor } from '../../lab/wait-for.ts';
import type { Lab } from './lab.ts';
import { mustRun, run, sysctl } from './shell.ts';
import { check } from './tap.ts';
import { patience, type Zone } from './zone.ts';

/** `known`: in what directory the daemon is to find it. */
export async function birth({ daemon }: Lab, zone: Zone, known: string): Promise<void> {
  const { link } = zone;
  await check(`${link} is ready, with the addresses of ${known}`, async () => {
    await daemon.ready(link);
    const status = await daemon.zone(link);
    assert.equal(status?.state, 'ready');
    assert.deepEqual([...status.addresses].sort(), [zone.ipv4, zone.ipv6].sort());
    assert.equal(status.directory, known);
  });
  await check(`${link} is up`, async () => {
    assert.match(await mustRun('ip', ['link', 'show', link]), /<[^>]*\bUP\b/);
  });
  await check(`${link} has its host routes`, async () => {
    assert.match(await mustRun('ip', ['route', 'show', 'dev', link]), new RegExp(`^${zone.ipv4} proto 75`, 'm'));
    assert.match(await mustRun('ip', ['-6', 'route', 'show', 'dev', link]), new RegExp(`^${zone.ipv6} proto 75`, 'm'));
  });
  await check(`${link} has its settings`, async () => {
    for (const [key, value] of settings) assert.equal(sysctl(`net/${key.replace('LINK', link)}`), value, key);
  });
  await check(`${link} has its pair of rules and its places in the sets`, async () => {
    for (const family of ['ip', 'ip6']) {
      const rules = await mustRun('nft', ['list', 'chain', family, 'filter', 'EDERA-FORWARD']);
      for (const way of ['iifname', 'oifname']) assert.match(rules, new RegExp(`${way} "${link}" counter.* accept`));
    }
    const table = await mustRun('nft', ['list', 'table', 'inet', 'edera']);
    for (const address of [zone.ipv4, zone.ipv6]) assert.ok(table.includes(`"${link}" . ${address} `), address);
  });
}

const settings: readonly (readonly [string, string])[] = [
  ['ipv4/conf/LINK/proxy_arp', '1'],
  ['ipv4/conf/LINK/rp_filter', '1'],
  ['ipv4/neigh/LINK/proxy_delay', '0'],
  ['ipv6/conf/LINK/proxy_ndp', '1'],
  ['ipv6/conf/LINK/accept_ra', '0'],
  ['ipv4/ip_forward', '1'],
  ['ipv6/conf/all/forwarding', '1'],
];

/** Whom a running zone reaches, and how it looks from there. */
export async function reach({ place }: Lab, zone: Zone): Promise<void> {
  await check(`${zone.name} is answered by its gateway (ARP)`, async () => {
    await zone.must(`arping -c 1 -w 5 -I eth0 ${gateway.ipv4}`);
  });
  for (const family of families) {
    await check(`${zone.name} reaches the outside by ICMP (${family})`, async () => {
      assert.ok(await zone.reaches(farHost[family]));
    });
    for (const protocol of ['tcp', 'udp'] as const) {
      await check(
        `${zone.name} reaches the outside by ${protocol}, masqueraded, with good checksums (${family})`,
        async () => {
          const seenBefore = place.sightings.length;
          const capture = place.internet.spawn('tcpdump', ['-l', '-vvv', '-n', '-Q', 'in', '-i', 'eth0', 'port 7']);
          try {
            await waitFor(() => capture.stderr.some((line) => line.includes('listening on')), {
              what: 'tcpdump',
              ...patience,
            });
            assert.equal(await zone[protocol](farHost[family]), 'spoken');
            const good = protocol === 'tcp' ? /cksum 0x[0-9a-f]+ \(correct\)/ : /\[udp sum ok\]/;
            await waitFor(() => good.test(capture.stdout.join('\n')), { what: 'a good checksum', deadlineMs: 10_000 });
            assert.doesNotMatch(capture.stdout.join('\n'), /incorrect|bad udp/);
          } finally {
            await capture.stop();
          }
          const peers = place.sightings.slice(seenBefore).filter(({ kind }) => kind === protocol);
          assert.deepEqual(new Set(peers.map(({ peer }) => peer)), new Set([hostUplink[family]]));
        },
      );
    }
  }
  await check(`${zone.name} sends two megabytes, in frames larger than the link's`, async () => {
    assert.equal(
      (await zone.must(`head -c 2000000 /dev/zero | nc.openbsd -N -w 10 ${farHost.ipv4} 9`)).trim(),
      '2000000',
    );
  });
}

/** Each by its own address, seen by the other. */
export async function meetEachOther({ place }: Lab, one: Zone, two: Zone): Promise<void> {
  for (const family of families) {
    await check(`${one.name} and ${two.name} reach each other by their own addresses (${family})`, async () => {
      assert.ok(await one.reaches(two[family]));
      assert.ok(await two.reaches(one[family]));
      await two.must(`nc.openbsd -l -p 99 ${family === 'ipv6' ? '-6 ' : ''}-n -v >/tmp/heard 2>&1 & sleep 1`);
      await one.exec(`echo spoken | nc.openbsd -N -w 4 ${two[family]} 99`);
      const heard = await two.must('sleep 0.5; cat /tmp/heard');
      assert.match(heard, /spoken/);
      assert.ok(heard.includes(one[family]), heard);
    });
  }
  await check('the host can be reached by its own name for zones, the gateway', async () => {
    for (const family of families) assert.ok(await one.reaches(gateway[family]), family);
    assert.equal((await run('ip', ['-br', 'address', 'show', 'dev', one.link])).stdout.includes('10.75.'), false);
    assert.ok(place.sightings.every(({ peer }) => !peer?.startsWith('10.75.')));
  });
}
