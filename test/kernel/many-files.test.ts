/** Thousands of zone files that come at once: the daemon goes on answering. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultAddresses } from '../lab/addresses.ts';
import type { Daemon } from '../lab/daemon.ts';
import { untilState } from '../lab/served.ts';
import { pause, waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';

const many = 5000;
/** On a busy machine; an idle one answers within a tenth of it. */
const patienceMs = 5000;

describe('thousands of zone files', () => {
  it('that are written one by one do not keep the control socket from answering', { timeout: 180_000 }, () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: many });
      const daemon = await world.startDaemon({ debug: false });
      const [silences] = await Promise.all([answersUntilAllRead(daemon), writeFiles(world, many)]);
      expect(silences.length).toBeGreaterThan(3);
      expect(Math.max(...silences)).toBeLessThan(patienceMs);
      await untilState(daemon, zone.link);
    }),
  );

  // The control of the one above.
  it('as seen by a look that notices a daemon which stands still', () =>
    withWorld({}, async (world) => {
      const daemon = await world.startDaemon({ debug: false });
      process.kill(daemon.pid, 'SIGSTOP');
      setTimeout(() => process.kill(daemon.pid, 'SIGCONT'), 1000);
      expect(await silenceOf(daemon)).toBeGreaterThan(900);
    }));
});

/** Milliseconds without an answer, one after the other, until the directory has all of its files. */
async function answersUntilAllRead(daemon: Daemon): Promise<number[]> {
  const silences: number[] = [];
  await waitFor(
    async () => {
      silences.push(await silenceOf(daemon));
      return (await daemon.status()).directories[0]?.entries === many;
    },
    { what: 'all files to be read', deadlineMs: 120_000, everyMs: 20 },
  );
  return silences;
}

async function silenceOf(daemon: Daemon): Promise<number> {
  const begin = performance.now();
  await daemon.get('/healthz').catch(() => pause(0));
  return performance.now() - begin;
}

/** By another process, as an operator's script would. */
async function writeFiles({ files }: World, count: number): Promise<void> {
  const texts = Array.from({ length: count }, (_, index) => {
    const { ipv4, ipv6 } = defaultAddresses(index + 1, 0);
    return [join(files.zones, `vif${index + 1}.0.toml`), `ipv4 = "${ipv4}"\nipv6 = "${ipv6}"\n`];
  });
  const script = `for (const [path, text] of JSON.parse(require('node:fs').readFileSync(0))) require('node:fs').writeFileSync(path, text)`;
  const writer = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'inherit', 'inherit'] });
  writer.stdin.end(JSON.stringify(texts));
  expect(await once(writer, 'exit')).toEqual([0, null]);
}
