// `npm start`: the daemon's main job, in throwaway network namespaces with emulated zones and an emulated internet.
import { isRoot, run, runPackages, setUp } from './setup.mjs';

try {
  if (!isRoot()) throw new Error('network namespaces need root: sudo npm start');
  setUp(runPackages);
  process.exitCode = run('node', ['demo/main.ts', ...process.argv.slice(2)], 'inherit') ? 0 : 1;
} catch (error) {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
}
