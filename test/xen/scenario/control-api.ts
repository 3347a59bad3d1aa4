/** Edera's way: nothing of a zone's network in xenstore, and a control API that knows it. */

import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { families } from '../../../src/model/address.ts';
import { ControlApiServer } from '../../control-api/server.ts';
import { ederaZone } from '../../control-api/zones.ts';
import { farHost } from '../../lab/addresses.ts';
import { birth } from './birth.ts';
import type { Lab } from './lab.ts';
import { nothingLeft } from './left-over.ts';
import { check } from './tap.ts';
import type { Zone } from './zone.ts';

const directory = '/var/lib/edera/protect';

/** `zone` is running and known to nobody. */
export async function controlApi(lab: Lab, zone: Zone, other: Zone): Promise<void> {
  const { daemon } = lab;
  await check(`${zone.link}, which nobody knows, is given nothing`, async () => {
    await daemon.until(`that nobody knows ${zone.link}`, ({ zones }) =>
      zones.some(({ link, state }) => link === zone.link && state === 'unserved'),
    );
    await nothingLeft([zone.ipv4, zone.ipv6]);
  });
  mkdirSync(directory, { recursive: true });
  const api = new ControlApiServer(`${directory}/daemon.socket`, 'edera');
  try {
    api.put(ederaZone('0f0e', zone.domid, [zone.ipv4, zone.ipv6], { name: 'of-edera' }));
    await api.start();
    await birth(lab, zone, 'control-api');
    for (const family of families) {
      await check(`${zone.name} reaches the outside and another zone (${family})`, async () => {
        assert.ok(await zone.reaches(farHost[family]));
        assert.ok(await zone.reaches(other[family]));
      });
    }
    await check('an event takes the zone away', async () => {
      api.remove('0f0e');
      await daemon.until(`that nobody knows ${zone.link}`, ({ zones }) =>
        zones.some(({ link, state }) => link === zone.link && state === 'unserved'),
      );
      await nothingLeft([zone.ipv4, zone.ipv6]);
    });
  } finally {
    api.kill();
    rmSync(directory, { recursive: true });
  }
}
