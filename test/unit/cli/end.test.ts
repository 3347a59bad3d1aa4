/** A daemon that is told to end does end, whatever keeps its threads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { endWithinMs } from '../../../src/cli/end.ts';
import { LongRunning } from '../../lab/command.ts';

it('without waiting for a thread that hangs, and after its last words', async () => {
  const program = await endingBy('without joining');
  expect(await program.ended).toBe(0);
  expect(program.stdout).toEqual(['ending', 'last words']);
});

// The control of the one above.
it('unlike a process that exits in the ordinary way', async () => {
  const program = await endingBy('exit');
  await program.waitForLine((line) => line === 'last words', { deadlineMs: 30_000 });
  const ended = await Promise.race([program.ended, new Promise((resolve) => setTimeout(resolve, 1000, 'still there'))]);
  expect(ended).toBe('still there');
  await program.stop('SIGKILL');
});

it('by SIGKILL where something that it waits for does not come', async () => {
  const program = await endingBy('deadline');
  await program.waitForLine((line) => line === 'ending', { deadlineMs: 30_000 });
  const begin = performance.now();
  expect(await program.ended).toBe('SIGKILL');
  expect(program.stdout).toEqual(['ending', 'late']);
  expect(performance.now() - begin).toBeGreaterThan(endWithinMs / 2);
});

async function endingBy(how: string): Promise<LongRunning> {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-end-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const fifo = join(directory, 'fifo');
  await execa('mkfifo', [fifo]);
  return new LongRunning(process.execPath, [join(import.meta.dirname, 'end.fixture.ts'), how, fifo]);
}
