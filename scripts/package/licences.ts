/** What the licences of bundled packages ask for: their text goes wherever their code goes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** One section for each package that `modules` (absolute paths) come from. Throws where a package has no licence. */
export function licencesOf(root: string, modules: readonly string[]): string {
  const directories = new Set(modules.map(packageDirectory).filter((directory) => directory !== undefined));
  return [...directories]
    .sort()
    .map((directory) => section(join(root, directory)))
    .join('\n');
}

/** `node_modules/NAME` or `node_modules/@SCOPE/NAME`, the innermost; undefined for our own modules and Node's. */
function packageDirectory(module: string): string | undefined {
  return /.*(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1];
}

function section(directory: string): string {
  const { name, version, license } = manifestSchema.parse(
    JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
  );
  const file = readdirSync(directory).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  const text =
    file === undefined ? `(${license}; the package has no licence file)` : readFileSync(join(directory, file), 'utf8');
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
