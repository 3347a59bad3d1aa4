/** The netlink library on the real kernel: every case in a network namespace and a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { cases } from '../netlink/cases.ts';

const run = promisify(execFile);
const runner = fileURLToPath(new URL('../netlink/runner.ts', import.meta.url));
const caseTimeoutMs = 30_000;

describe('netlink on the real kernel', () => {
  for (const [number, name] of Object.keys(cases).entries()) {
    it(name, async () => {
      const namespace = `netlink-${process.pid}-${number}`;
      try {
        await run('ip', ['netns', 'add', namespace]);
        const node = [process.execPath, '--expose-gc', '--disable-warning=ExperimentalWarning', runner, name];
        await run('ip', ['netns', 'exec', namespace, ...node], { timeout: caseTimeoutMs, killSignal: 'SIGKILL' });
      } finally {
        await run('ip', ['netns', 'del', namespace]);
      }
    });
  }
});
