// `npm run test:systemd`: the package under a real systemd, in an emulated machine. Ends with `N passed, N failed`.
import { isRoot, run, setUp, systemdPackages } from './setup.mjs';

try {
  if (!isRoot()) throw new Error('making a Debian image needs root');
  setUp(systemdPackages);
  process.exitCode = run('node', ['test/systemd/main.ts']) ? 0 : 1;
} catch (error) {
  console.log(`SKIPPED, nothing was tested: ${error.message}`);
}
