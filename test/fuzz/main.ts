/**
 * `npm run fuzz -- [--inputs N] [--target NAME]… [--seed S] [--threads T] [--keep DIR] [--json]`: outside bytes of every
 * kind, mutated from valid ones. The same seed gives the same inputs. Whatever breaks something is written to `--keep`
 * (test/fuzz/found by default), where the unit tests replay it from then on, and the command ends with 1.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runFuzz } from './run.ts';
import type { Finding, Result } from './session.ts';
import { foundDirectory } from './targets.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    threads: { type: 'string', default: '1' },
    keep: { type: 'string', default: foundDirectory },
    json: { type: 'boolean' },
  },
});
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : whole('seed', values.seed);
const asJson = values.json === true;
if (!asJson) console.log(`seed ${seed}`);
const begin = performance.now();
const results = await runFuzz({
  inputs: whole('inputs', values.inputs),
  seed,
  threads: whole('threads', values.threads),
  ...(values.target === undefined ? {} : { targets: values.target }),
  done: (result) => {
    if (!asJson) console.log(lineOf(result));
  },
});
const findings = results.flatMap((result) => result.findings);
const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
const seconds = Math.round((performance.now() - begin) / 100) / 10;
const kept = findings.map((finding) => ({ ...finding, file: keep(finding, values.keep) }));
if (asJson) {
  console.log(
    JSON.stringify({ seed, inputs, seconds, results: results.map(({ findings: _, ...rest }) => rest), kept }, null, 2),
  );
} else {
  for (const { target, what, detail, file } of kept) console.log(`\n${target}: ${what}\n${detail}\nkept: ${file}`);
  console.log(`\n${inputs} inputs in ${seconds} s, ${findings.length} findings`);
}
process.exitCode = findings.length === 0 ? 0 : 1;

function lineOf({ target, inputs, seconds, kinds, slowest, grown, bytes, findings }: Result): string {
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  const slow = `slowest ${slowest.ms.toFixed(1)} ms (${slowest.bytes} bytes)`;
  const mean = `mean ${Math.round(bytes / Math.max(inputs, 1))} bytes`;
  const heap = `heap ${grown < 0 ? '' : '+'}${(grown / 1024 / 1024).toFixed(1)} MiB`;
  const verdict = findings.length === 0 ? 'ok' : `${findings.length} FINDINGS`;
  return `${target.padEnd(20)} ${String(inputs).padStart(8)} inputs ${seconds.toFixed(1).padStart(6)} s ${String(rate).padStart(6)}/s ${String(kinds).padStart(5)} kinds, ${mean}, ${slow}, ${heap}: ${verdict}`;
}

/** The file the input went to. An exhausted heap belongs to no single input. */
function keep({ target, input }: Finding, directory: string): string {
  if (input.length === 0) return 'none';
  mkdirSync(join(directory, target), { recursive: true });
  const file = join(directory, target, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  return file;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${option} must be a whole number`);
  return value;
}
