// `npm run test:web`: the web view in Debian's Chromium, which is installed where it is missing.
import { run, setUp, webPackages } from './setup.mjs';

try {
  setUp(webPackages);
  process.exitCode = run('vitest', ['run', '--project', 'web']) ? 0 : 1;
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
}
