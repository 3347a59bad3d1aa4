/** What `daemon.ts` goes by, apart from it: it decides as it is loaded. */
import { join } from 'node:path';

export const repository = join(import.meta.dirname, '../..');
/** Names another program than the checkout's: see `packaged-program.ts`. */
export const programVariable = 'PROTECT_NETWORK_PROGRAM';
/** Names the launcher of another build, which benchmarks measure in turns with this one. */
export const besideVariable = 'PROTECT_NETWORK_BESIDE';
