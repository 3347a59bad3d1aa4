/** Runs one case of `cases.ts` in the network namespace that it was started in: `node runner.ts CASE`. */
import { cases } from './cases.ts';

const run = cases[process.argv[2] ?? ''];
if (run === undefined) throw new Error(`no case "${process.argv[2]}"`);
await run();
