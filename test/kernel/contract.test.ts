/** The contract of test/contract on the real kernel: every case in a network namespace and a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { contractCases } from '../contract/cases.ts';

const run = promisify(execFile);
const runner = fileURLToPath(new URL('../contract/real-runner.ts', import.meta.url));
const caseTimeoutMs = 30_000;

describe('host contract on the real kernel', () => {
  for (const [number, { name }] of contractCases.entries()) {
    it(name, async () => {
      const namespace = `contract-${process.pid}-${number}`;
      const peers = `${namespace}-peers`;
      try {
        await run('ip', ['netns', 'add', namespace]);
        await run('ip', ['netns', 'add', peers]);
        const node = [process.execPath, runner, peers, name];
        await run('ip', ['netns', 'exec', namespace, ...node], { timeout: caseTimeoutMs, killSignal: 'SIGKILL' });
      } finally {
        // Either may be missing where making it is what failed; that error is the one to see.
        await Promise.allSettled([run('ip', ['netns', 'del', namespace]), run('ip', ['netns', 'del', peers])]);
      }
    });
  }
});
