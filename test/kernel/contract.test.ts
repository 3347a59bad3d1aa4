/** The contract of test/contract on the real kernel: every case in a network namespace and a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { contractCases } from '../contract/cases.ts';
import { ipBatch } from '../lab/command.ts';
import { freshNamespaceLines } from '../lab/fresh-namespace.ts';

const run = promisify(execFile);
const runner = fileURLToPath(new URL('../contract/real-runner.ts', import.meta.url));
const caseTimeoutMs = 30_000;

describe('host contract on the real kernel', () => {
  const inContainer = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const everywhere = contractCases.map(({ name }) => ({ title: name, name, prefix: [] as string[] }));
  const elsewhere = contractCases
    .filter(({ name }) => name.startsWith('foreign nft transactions are announced'))
    .map(({ name }) => ({ title: `${name} (in a process namespace of its own)`, name, prefix: inContainer }));
  for (const [number, { title, name, prefix }] of [...everywhere, ...elsewhere].entries()) {
    it(title, async () => {
      const namespace = `contract-${process.pid}-${number}`;
      const peers = `${namespace}-peers`;
      try {
        await ipBatch([...freshNamespaceLines(namespace), ...freshNamespaceLines(peers)]);
        const node = [...prefix, process.execPath, '--disable-warning=ExperimentalWarning', runner, peers, name];
        await run('ip', ['netns', 'exec', namespace, ...node], { timeout: caseTimeoutMs, killSignal: 'SIGKILL' });
      } finally {
        // Either may be missing where making it is what failed; that error is the one to see.
        await Promise.allSettled([run('ip', ['netns', 'del', namespace]), run('ip', ['netns', 'del', peers])]);
      }
    });
  }
});
