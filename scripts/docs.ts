/** Writes the tables of docs/log.md and docs/doctor.md anew: `npm run docs`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from './docs/pages.ts';

for (const [path, render] of Object.entries(pages)) {
  const file = join(import.meta.dirname, '..', path);
  writeFileSync(file, render(readFileSync(file, 'utf8')));
}
