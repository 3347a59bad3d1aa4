// `npm run kernel:releases [-- SUITE…]`: the suite on the real kernel with the tools of other Debian releases, whole.
import { pathToFileURL } from 'node:url';
import { isRoot, run, setUp, testPackages } from './setup.mjs';

/** For `npm test`: the files in which the tools matter most, two to four minutes a release on two cores. */
export const chosenFiles = {
  trixie: [
    'contract',
    'traffic',
    'static',
    'restart',
    'reuse',
    'plan',
    'iptables',
    'guard',
    'firewalld',
    'firewalld-policies',
    'egress',
    'leases',
  ],
  // Its nft is refused: what remains are ip and conntrack. Its iptables (1.8.7) shows our match of the mark as nothing, in
  // `-j ACCEPT`, and restores that as an accept of everything: see README, "Filtering zone traffic".
  bullseye: ['contract', 'static', 'restart', 'reuse'],
};

/** Runs vitest's kernel project where the tools are the suite's; returns whether it succeeded. */
export function runWithToolsOf(suite, args) {
  return run('node', ['test/releases/with-tools.ts', suite, 'vitest', 'run', '--project', 'kernel', ...args]);
}

/** As patterns of paths that match no other file. */
export function pathsOf(files) {
  return files.map((name) => `test/kernel/${name}.test.ts`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (!isRoot()) throw new Error('mount and network namespaces need root');
  setUp(testPackages);
  const asked = process.argv.slice(2);
  const suites = asked.length > 0 ? asked : Object.keys(chosenFiles);
  const failed = suites.filter((suite) => {
    console.log(`\n== kernel tests with the tools of ${suite}`);
    return !runWithToolsOf(suite, []);
  });
  console.log(failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
