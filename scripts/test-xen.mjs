// `npm run test:xen`: the package on a dom0 under real Xen, in an emulated machine. Ends with `N passed, N failed`, and
// with `, N skipped` where QEMU or Debian's packages cannot be had, and only there.
import { isRoot, run, setUp, xenPackages } from './setup.mjs';

try {
  if (!isRoot()) throw new Error('making a Debian image needs root');
  setUp({});
  process.exitCode = hasPackages() ? test() : 0;
} catch (error) {
  console.log(`${error.message}\n0 passed, 1 failed`);
  process.exitCode = 1;
}

function hasPackages() {
  try {
    setUp(xenPackages);
    return true;
  } catch (error) {
    console.log(`nothing was tested: ${error.message}\n0 passed, 0 failed, 1 skipped`);
    return false;
  }
}

function test() {
  return run('node', ['test/xen/main.ts', ...process.argv.slice(2)]) ? 0 : 1;
}
