/**
 * The benchmarks: `npm run bench [-- COMMAND …] [--quick] [--json FILE]`, as root. Without a command it lists them; `all`
 * runs every one that ends by itself. `--json -` prints JSON alone. Times mean something only on an otherwise idle machine.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchmarks, programs } from './commands.ts';
import { isMet, listen, print, type Report } from './report.ts';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  strict: false,
  options: { quick: { type: 'boolean' }, json: { type: 'string' } },
});
const [command = ''] = positionals;
const program = programs[command];
if (program !== undefined) runProgram(program.file);
else if (command === '' || positionals.some((name) => name !== 'all' && benchmarks[name] === undefined)) usage();
else await runAll(positionals.includes('all') ? Object.keys(benchmarks) : positionals);

/** One with a command line of its own, which takes `--json` as a switch. */
function runProgram(file: string): void {
  const args = process.argv.slice(2).filter((word) => word !== command);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

function usage(): void {
  console.log('npm run bench -- all | COMMAND … [--quick] [--json FILE]\n');
  for (const [name, { what }] of [...Object.entries(benchmarks), ...Object.entries(programs)]) {
    console.log(`  ${name.padEnd(14)}${what}`);
  }
  process.exitCode = command === '' ? 0 : 2;
}

async function runAll(names: readonly string[]): Promise<void> {
  const before = await listen();
  const reports: Record<string, Report> = {};
  const failures: Record<string, string> = {};
  for (const name of names) {
    const begin = performance.now();
    if (values.json !== '-') console.error(`${name} …`);
    try {
      const report = await benchmarks[name]?.run({ quick: values.quick === true });
      if (report === undefined) continue;
      reports[name] = report;
      if (values.json !== '-') print(report);
    } catch (error) {
      failures[name] = error instanceof Error ? error.message : String(error);
      console.error(`${name} failed:`, error);
    }
    if (values.json !== '-') console.error(`${name}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
  const after = await listen();
  const machine = { kernel: release(), processors: cpus().length, node: process.version, before, after };
  const document = `${JSON.stringify({ at: new Date().toISOString(), quick: values.quick === true, machine, reports, failures }, null, 2)}\n`;
  if (values.json === '-') process.stdout.write(document);
  else if (typeof values.json === 'string') writeFileSync(values.json, document);
  if (values.json !== '-') summary(reports, machine);
  process.exitCode = Object.keys(failures).length === 0 ? 0 : 1;
}

function summary(
  reports: Readonly<Record<string, Report>>,
  { before, after }: Record<'before' | 'after', Awaited<ReturnType<typeof listen>>>,
): void {
  const missed = Object.values(reports).flatMap(({ targets }) => targets.filter((target) => !isMet(target)));
  const noise = [before, after].map(
    ({ load, sleepTooLong: { median, p99 } }) => `load ${load.join(' ')}, ${median} ms, p99 ${p99} ms`,
  );
  console.log(`\nThe machine before: ${noise[0]}; after: ${noise[1]} (how much too long a sleep of 1 ms was)`);
  console.log(missed.length === 0 ? 'Every target is met.' : `${missed.length} targets are missed.`);
}
