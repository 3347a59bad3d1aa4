// `npm run test:package`: the Debian package, from its making to its purging. Ends with `N passed, N failed`.
import { isRoot, packagePackages, run, setUp } from './setup.mjs';

try {
  if (!isRoot()) throw new Error('a Debian root can be made by root only');
  setUp(packagePackages);
  process.exitCode = run('node', ['test/package/main.ts']) ? 0 : 1;
} catch (error) {
  console.log(`${error.message}\n0 passed, 1 failed`);
  process.exitCode = 1;
}
