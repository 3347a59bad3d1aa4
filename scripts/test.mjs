// `npm test`: format, lint, types, unit tests, alert rules, and the suite on the real kernel, parts of it again with the
// tools of other releases. What fails on the real kernel runs once more by itself: machines are shared, and its deadlines
// are real. Ends with the slowest tests, what passed only by itself, every failure by name, and `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { chosenFiles, pathsOf, runWithToolsOf } from './kernel-releases.mjs';
import { isRoot, readJson, root, run, setUp, testPackages } from './setup.mjs';

const results = mkdtempSync(join(tmpdir(), 'protect-network-results-'));
let passed = 0;
/** A line each, for the end of an output that may be long or cut. */
const failures = [];
const again = [];
/** Each test with how long it took, in milliseconds. */
const durations = [];

try {
  setUp(testPackages);
  stage('format and lint', () => run('biome', ['check', '--error-on-warnings', '.']));
  stage('types', () => ['.', 'src/control/page', 'test/web'].every((project) => run('tsc', ['-p', project])));
  vitest('unit');
  vitest('monitoring');
  if (isRoot()) {
    onKernel('kernel tests', [], (args) => run('vitest', ['run', '--project', 'kernel', ...args]));
    for (const [suite, files] of Object.entries(chosenFiles)) {
      onKernel(`kernel tests with the tools of ${suite}`, pathsOf(files), (args) => runWithToolsOf(suite, args));
    }
  } else
    stage('kernel suite', () =>
      fail('it makes network namespaces and needs root; without it a green run means nothing'),
    );
} catch (error) {
  stage('setup', () => fail(error.message));
} finally {
  rmSync(results, { recursive: true, force: true });
}

console.log('\nThe slowest tests:');
for (const { title, ms } of durations.sort((a, b) => b.ms - a.ms).slice(0, 10)) {
  console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${title}`);
}
for (const test of again) console.log(`PASSED BY ITSELF ONLY: ${test}`);
for (const failure of failures) console.log(`FAILED: ${failure}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

function stage(name, work) {
  console.log(`\n== ${name}`);
  if (work()) passed += 1;
  else {
    failures.push(name);
    console.log(`== ${name}: FAILED`);
  }
}

function vitest(project) {
  const { failed, wrong } = vitestRun(`${project} tests`, (args) =>
    run('vitest', ['run', '--project', project, ...args]),
  );
  failures.push(...failed.values(), ...wrong);
}

function onKernel(name, files, runTests) {
  const { failed, wrong } = vitestRun(name, (args) => runTests([...files, ...args]));
  failures.push(...wrong);
  if (failed.size === 0) return;
  const alone = new Set([...failed.keys()].map((test) => test.split(': ', 1)[0]));
  const before = passed;
  const second = vitestRun(`${name}, once more: the files with failures`, (args) =>
    runTests([...alone, '--no-file-parallelism', ...args]),
  );
  // Most of them are counted already.
  passed = before;
  for (const [test, text] of failed) {
    if (second.passes.has(test)) {
      passed += 1;
      again.push(text);
    } else failures.push(second.failed.get(test) ?? text);
  }
}

/** Runs vitest and counts what passed; `passes` and `failed` hold tests as `FILE: NAME`, the latter with what they said. */
function vitestRun(name, runTests) {
  console.log(`\n== ${name}`);
  const file = join(results, `${name.replaceAll(/\W+/g, '-')}.json`);
  const isGreen = runTests(['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
  try {
    const report = readJson(file);
    passed += report.numPassedTests;
    const outcome = outcomeOf(report, name);
    if (!isGreen && outcome.failed.size === 0 && outcome.wrong.length === 0)
      outcome.wrong.push(`${name}: vitest reports an error outside of any test`);
    return outcome;
  } catch (error) {
    return { passes: new Set(), failed: new Map(), wrong: [`${name}: no report (${error.message})`] };
  }
}

/** `wrong`: files that failed before their tests. */
function outcomeOf(report, suite) {
  const outcome = { passes: new Set(), failed: new Map(), wrong: [] };
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = relative(root, name);
    for (const test of assertionResults) {
      const title = `${file}: ${test.fullName}`;
      if (test.status === 'passed') outcome.passes.add(title);
      if (test.status === 'failed')
        outcome.failed.set(title, `${suite}: ${title}: ${firstLine(test.failureMessages[0])}`);
      durations.push({ title, ms: test.duration ?? 0 });
    }
    const isSilent = assertionResults.every((test) => test.status !== 'failed');
    if (status === 'failed' && isSilent) outcome.wrong.push(`${suite}: ${file}: ${firstLine(message)}`);
  }
  return outcome;
}

function firstLine(text = '') {
  return text.split('\n', 1)[0].slice(0, 300);
}

function fail(reason) {
  console.log(reason);
  return false;
}
