import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { endingSignals } from '../../../src/cli/ending.ts';

const program = join(import.meta.dirname, 'ending-program.ts');

it.each(endingSignals)(
  '%s lets a command take away what it has begun, also while a child of its runs',
  async (signal) => {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.once('data', () => child.kill(signal));
    const [said, ended] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect([said, ended]).toEqual(['ready\ntaken away\n', [0, null]]);
  },
);
