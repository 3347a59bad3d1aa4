/**
 * The benchmarks: `npm run bench [-- COMMAND …] [--quick] [--json FILE] [--beside LAUNCHER]`, as root. Without a command it lists them; `all`
 * runs every one that ends by itself, writes `docs/benchmarks.json` unless told otherwise, and draws the plots in `docs` from
 * it. In a FILE that is there, what was measured anew replaces what was measured then. `--json -` prints JSON alone. Times mean something only on an otherwise idle machine. What is measured is the
 * program as the package installs it; with `--beside`, another build's is measured in turns with it where others are.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import setUpProgram from '../test/lab/packaged-program.ts';
import { besideVariable } from '../test/lab/program.ts';
import { documentSchema, draw, readJson } from './plot.ts';
import { isMet, listen, type Noise, noiseWords, print, type Report } from './report.ts';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  strict: false,
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, beside: { type: 'string' } },
});
const [command = ''] = positionals;
const docs = join(import.meta.dirname, '../docs');
const isSilent = values.json === '-';
if (typeof values.beside === 'string') process.env[besideVariable] = values.beside;
const takeProgramAway = await setUpProgram();
// Only now: what they start is decided as they are loaded.
const { benchmarks, programs } = await import('./commands.ts');
const program = programs[command];
if (program !== undefined) runProgram(program.file);
else if (command === '' || positionals.some((name) => name !== 'all' && benchmarks[name] === undefined)) usage();
else if (!positionals.includes('all'))
  await runAll(positionals, typeof values.json === 'string' ? values.json : undefined);
else {
  const file = typeof values.json === 'string' ? values.json : join(docs, 'benchmarks.json');
  await runAll(Object.keys(benchmarks), file);
  if (!isSilent) for (const path of draw(file, docs)) console.log(path);
}
takeProgramAway();

/** One with a command line of its own, which takes `--json` as a switch. */
function runProgram(file: string): void {
  const args = process.argv.slice(2).filter((word) => word !== command);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

function usage(): void {
  console.log('npm run bench -- all | COMMAND … [--quick] [--json FILE] [--beside LAUNCHER]\n');
  for (const [name, { what }] of [...Object.entries(benchmarks), ...Object.entries(programs)]) {
    console.log(`  ${name.padEnd(14)}${what}`);
  }
  process.exitCode = command === '' ? 0 : 2;
}

async function runAll(names: readonly string[], file: string | undefined): Promise<void> {
  const made: Record<string, Made> = {};
  const failures: Record<string, string> = {};
  for (const name of names) {
    try {
      const each = await measured(name);
      if (each !== undefined) made[name] = each;
      if (file !== undefined && !isSilent) keep(made, file);
    } catch (error) {
      failures[name] = error instanceof Error ? error.message : String(error);
      console.error(`${name} failed:`, error);
    }
  }
  if (isSilent) process.stdout.write(asText(made));
  else summary(made, failures);
  process.exitCode = Object.keys(failures).length === 0 ? 0 : 1;
}

/** After each, as all of them take an hour. What was not measured now stays as it was. */
function keep(made: Readonly<Record<string, Made>>, file: string): void {
  const before = existsSync(file) ? documentSchema.parse(readJson(file)).reports : {};
  writeFileSync(file, asText({ ...before, ...made }));
}

function asText(reports: object): string {
  return `${JSON.stringify({ reports }, null, 2)}\n`;
}

/** What came of a benchmark, when, and on what machine. */
interface Made extends Report {
  readonly at: string;
  readonly quick: boolean;
  readonly machine: Machine;
}

interface Machine {
  readonly kernel: string;
  readonly processors: number;
  readonly node: string;
  readonly before: Noise;
  readonly after: Noise;
}

async function measured(name: string): Promise<Made | undefined> {
  const before = await listen();
  const begin = performance.now();
  if (!isSilent) console.error(`${name} …`);
  const quick = values.quick === true;
  const report = await benchmarks[name]?.run({ quick });
  if (report === undefined) return undefined;
  if (!isSilent) {
    print(report);
    console.error(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
  const machine = {
    kernel: release(),
    processors: cpus().length,
    node: process.version,
    before,
    after: await listen(),
  };
  return { ...report, at: new Date().toISOString(), quick, machine };
}

function summary(made: Readonly<Record<string, Made>>, failures: Readonly<Record<string, string>>): void {
  console.log('\nThe machine:');
  for (const [name, { machine }] of Object.entries(made)) {
    console.log(`  ${name}: before ${noiseWords(machine.before)}; after ${noiseWords(machine.after)}`);
  }
  for (const [name, words] of Object.entries(failures)) console.log(`FAILED  ${name}: ${words}`);
  const missed = Object.entries(made).flatMap(([name, { targets }]) =>
    targets.filter((target) => !isMet(target)).map(({ what }) => `${name}: ${what}`),
  );
  const areAllMet = missed.length === 0 && Object.keys(failures).length === 0;
  if (areAllMet) console.log('No target is missed.');
  else if (missed.length > 0) console.log(`Missed:\n  ${missed.join('\n  ')}`);
}
