// `npm test`: format, lint, types, unit tests, alert rules, and the suite on the real kernel, parts of it again with the
// tools of other releases. Ends with every failure by name, and `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { chosenFiles, pathsOf, runWithToolsOf } from './kernel-releases.mjs';
import { isRoot, readJson, root, run, setUp, testPackages } from './setup.mjs';

const results = mkdtempSync(join(tmpdir(), 'protect-network-results-'));
let passed = 0;
/** A line each, for the end of an output that may be long or cut. */
const failures = [];

try {
  setUp(testPackages);
  stage('format and lint', () => run('biome', ['check', '--error-on-warnings', '.']));
  stage('types', () => run('tsc', ['-p', '.']));
  vitest('unit');
  vitest('monitoring');
  if (isRoot()) {
    vitest('kernel');
    for (const [suite, files] of Object.entries(chosenFiles)) {
      count(`kernel tests with the tools of ${suite}`, (reporters) =>
        runWithToolsOf(suite, [...pathsOf(files), ...reporters]),
      );
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
  count(`${project} tests`, (reporters) => run('vitest', ['run', '--project', project, ...reporters]));
}

/** Counts tests one by one; a run that dies without a report counts as one failure. */
function count(name, runTests) {
  console.log(`\n== ${name}`);
  const file = join(results, `${name.replaceAll(' ', '-')}.json`);
  const isGreen = runTests(['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
  try {
    const report = readJson(file);
    const found = failuresIn(report);
    passed += report.numPassedTests;
    failures.push(...found.map((failure) => `${name}: ${failure}`));
    if (!isGreen && found.length === 0) failures.push(`${name}: vitest reports an error outside of any test`);
  } catch (error) {
    failures.push(`${name}: no report (${error.message})`);
  }
}

/** Failed tests with what they said first, and files that failed before their tests. */
function failuresIn(report) {
  return report.testResults.flatMap((file) => {
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    const where = relative(root, file.name);
    if (tests.length === 0 && file.status === 'failed') return [`${where}: ${firstLine(file.message)}`];
    return tests.map((test) => `${where}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
  });
}

function firstLine(text = '') {
  return text.split('\n', 1)[0].slice(0, 300);
}

function fail(reason) {
  console.log(reason);
  return false;
}
