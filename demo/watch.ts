/** The live table, with zones that have something to say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { farHost } from '../test/lab/addresses.ts';
import { programPath } from '../test/lab/daemon.ts';
import type { World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';

/** `protect-network status --watch` until the reader presses q. */
export async function watchTable(world: World, zones: readonly Zone[]): Promise<void> {
  const chatter = zones.map((zone) => zone.spawn('ping', ['-q', '-i', '0.05', '-s', '1200', farHost.ipv4]));
  const table = spawn(
    'ip',
    ['netns', 'exec', world.host.name, programPath, 'status', '--watch', ...world.files.options],
    {
      stdio: 'inherit',
    },
  );
  await once(table, 'exit');
  await Promise.all(chatter.map((process) => process.stop('SIGINT')));
}
