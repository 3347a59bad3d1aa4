/** Prints how long a new zone takes from the server's event to the directory's entries: `node test/control-api/latency.ts [zones]`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlApiDirectory } from '../../src/directories/control-api/directory.ts';
import { ControlApiServer } from './server.ts';
import { ederaZone } from './zones.ts';

const standing = Number(process.argv[2] ?? 100);
const folder = mkdtempSync(join(tmpdir(), 'control-api-latency-'));
const path = join(folder, 'daemon.socket');
const server = new ControlApiServer(path, 'edera');
const directory = new ControlApiDirectory({ target: `unix://${path}`, links: () => [] });
try {
  await server.start();
  for (let domid = 1; domid <= standing; domid += 1) server.put(zone(domid));
  let changed = Promise.withResolvers<void>();
  await directory.start(() => changed.resolve());
  while (server.watchers === 0) await sleep(5);
  const milliseconds: number[] = [];
  for (let domid = standing + 1; domid <= standing + 200; domid += 1) {
    await sleep(30);
    changed = Promise.withResolvers();
    const begin = performance.now();
    server.put(zone(domid));
    await changed.promise;
    if (directory.snapshot().entries.length !== domid) throw new Error('the change was another one');
    milliseconds.push(performance.now() - begin);
  }
  milliseconds.sort((left, right) => left - right);
  const at = (share: number) => milliseconds[Math.floor(share * milliseconds.length)]?.toFixed(2);
  console.log(`${standing} zones: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(0.999)} ms`);
} finally {
  await directory.stop();
  server.kill();
  rmSync(folder, { recursive: true });
}

function zone(domid: number) {
  return ederaZone(`${domid}`, domid, [`10.75.${domid >> 8}.${domid & 255}/16`]);
}
