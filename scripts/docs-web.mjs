// `npm run docs:web`: makes docs/web-*.png, by Debian's Chromium, which is installed where it is missing.
import { run, setUp, webPackages } from './setup.mjs';

try {
  setUp(webPackages);
  process.exitCode = run('node', ['test/web/screenshots.ts']) ? 0 : 1;
} catch (error) {
  console.log(error.message);
  process.exitCode = 1;
}
