/** What `daemon.ts` goes by, apart from it: it decides as it is loaded. */
import { join } from 'node:path';

export const repository = join(import.meta.dirname, '../..');
/** Names another program than the checkout's: see `packaged-program.ts`. */
export const programVariable = 'PROTECT_NETWORK_PROGRAM';
