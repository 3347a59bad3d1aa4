/** `npm run bundle`: the program as one file, in `dist`. */
import { join } from 'node:path';
import { bundle, bundleFiles } from './package/bundle.ts';

const directory = join(import.meta.dirname, '../dist');
await bundle(directory);
process.stdout.write(`${bundleFiles.map((name) => join(directory, name)).join('\n')}\n`);
