/** The daemon stops, dies and is replaced while a zone talks. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { farHost } from '../../lab/addresses.ts';
import type { Lab } from './lab.ts';
import { mustRun } from './shell.ts';
import type { Stream } from './stream.ts';
import { check, note } from './tap.ts';
import type { Zone } from './zone.ts';

export async function restarts({ daemon }: Lab, zone: Zone, stream: Stream): Promise<void> {
  const before = await hostState();
  const again = async () => {
    daemon.start();
    await daemon.says(/running: /);
    await daemon.ready(zone.link);
  };
  const ways: readonly (readonly [string, () => Promise<void>])[] = [
    ['SIGKILL', () => daemon.end('SIGKILL').then(again)],
    [
      'a restart, into another version',
      async () => {
        upgrade();
        await daemon.end('SIGTERM');
        await again();
      },
    ],
  ];
  for (const [name, happen] of ways) {
    await check(`${name} moves no packet and no rule`, async () => {
      await happen();
      note(JSON.stringify(await stream.goOn()));
      assert.equal(await hostState(), before);
    });
  }
  await check('it is the new version that runs', async () => {
    assert.match(readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8'), /^\/input\/new\//);
  });
  await stream.stop();
  await check(`${zone.name} still reaches the outside`, async () => assert.ok(await zone.reaches(farHost.ipv4)));
}

/** As with a tarball: the program's place leads to another. */
function upgrade(): void {
  rmSync(place);
  symlinkSync('/input/new/usr', place);
}

const place = '/opt/protect-network';

/** What the daemon keeps in the kernel, without counters and without what packets themselves put into sets. */
async function hostState(): Promise<string> {
  const rules = (await mustRun('nft', ['-s', 'list', 'ruleset'])).replaceAll(
    /(\n\t\ttimeout 1m\n)\t\telements = {[^}]*}\n/g,
    '$1',
  );
  const others = [
    ['-4', 'route', 'show', 'table', 'all', 'proto', '75'],
    ['-6', 'route', 'show', 'table', 'all', 'proto', '75'],
    ['-6', 'neighbour', 'show', 'proxy'],
  ];
  const texts = await Promise.all(others.map((words) => mustRun('ip', words)));
  return [rules, ...texts].join('\n');
}
