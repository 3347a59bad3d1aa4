// `npm test`: format, lint, types, unit tests, alert rules, and the suite on the real kernel, parts of it again with the tools of other
// releases. Ends with `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chosenFiles, pathsOf, runWithToolsOf } from './kernel-releases.mjs';
import { isRoot, readJson, run, setUp, testPackages } from './setup.mjs';

const results = mkdtempSync(join(tmpdir(), 'protect-network-results-'));
let passed = 0;
let failed = 0;

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

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function stage(name, work) {
  console.log(`\n== ${name}`);
  if (work()) passed += 1;
  else {
    failed += 1;
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
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    if (!isGreen && report.numFailedTests === 0) failed += 1;
  } catch (error) {
    failed += 1;
    console.log(`== ${name}: no report (${error.message})`);
  }
}

function fail(reason) {
  console.log(reason);
  return false;
}
