// `npm run test:xen`: the package on a dom0 under real Xen, in an emulated machine. Ends with `N passed, N failed`.
import { isRoot, run, setUp, xenPackages } from './setup.mjs';

try {
  if (!isRoot()) throw new Error('making a Debian image needs root');
  setUp(xenPackages);
  process.exitCode = run('node', ['test/xen/main.ts', ...process.argv.slice(2)]) ? 0 : 1;
} catch (error) {
  console.log(`nothing was tested: ${error.message}\n0 passed, 0 failed, 1 skipped`);
}
