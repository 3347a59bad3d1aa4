/** `npm run events -- [--runs N] [--seed N] [--path P] [--shrink]`, as root: generated events on the real kernel. */
import { parseArgs } from 'node:util';
import { runOnRealKernel } from './run.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    path: { type: 'string' },
    shrink: { type: 'boolean', default: false },
  },
});
const more = [...(values.path === undefined ? [] : ['--path', values.path]), ...(values.shrink ? ['--shrink'] : [])];
console.log(await runOnRealKernel(Number(values.runs), Number(values.seed), more));
