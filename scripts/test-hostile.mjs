// `npm run test:hostile [-- COMMAND…]`: the whole suite, or a command, on a Debian whose settings, names, rules, tools and
// language are others than the tests would choose (test/hostile). All of that is in a throwaway root with a network
// namespace of its own, without a way out. Ends with the command's exit code.
import { withBareRoot } from './bare-root.mjs';
import { isRoot, run, setUp, testPackages } from './setup.mjs';

const prepare = '--prepare';
const asked = process.argv.slice(2);
try {
  if (!isRoot()) throw new Error('a Debian root can be made by root only');
  if (asked[0] === prepare) prepareRoot();
  else process.exitCode = await withBareRoot(['locales', 'ncat'], test);
} catch (error) {
  console.log(`test:hostile: ${error.message}`);
  process.exitCode = 1;
}

async function test(runThere) {
  const prepared = await runThere(['node', 'scripts/test-hostile.mjs', prepare]);
  if (prepared !== 0) return prepared;
  const command = asked.length > 0 ? asked : ['npm', 'test'];
  const language = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' };
  return runThere(['unshare', '--net', 'sh', 'test/hostile/enter.sh', ...command], language);
}

/** Inside, as long as there is a network. */
function prepareRoot() {
  setUp(testPackages);
  const isMade = run('localedef', ['-i', 'de_DE', '-f', 'UTF-8', 'de_DE.UTF-8']);
  if (!isMade || !run('node', ['test/hostile/fetch.ts'])) throw new Error('the root could not be prepared');
}
