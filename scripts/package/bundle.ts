/**
 * The program and everything it imports as one file, `protect-network.cjs`. Names are kept, so that
 * stack traces say something. Beside it: V8's code cache, `start.cjs`, which uses it, `host-facts.cjs`, which only `report`
 * starts and no daemon has in its memory, and the licences of what is inside.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { execaSync } from 'execa';
import { type Plugin, rolldown } from 'rolldown';
import { version } from '../../src/cli/version.ts';
import { pageFiles } from '../../src/control/web.ts';
import { licencesOf } from './licences.ts';

const root = join(import.meta.dirname, '../..');
/** What the program reads from beside itself: the web view. */
const webFiles = Object.keys(pageFiles).map((name) => `page/${name}`);
export const bundleFiles = [
  'protect-network.cjs',
  'protect-network.cjs.cache',
  'start.cjs',
  'host-facts.cjs',
  'LICENCES',
  ...webFiles,
] as const;

/** Writes `bundleFiles` into `directory`. The same sources and the same Node give the same bytes. */
export async function bundle(directory: string): Promise<void> {
  const [program, facts] = [await generate('src/cli/main.ts'), await generate('src/host/facts-program.ts')];
  const { code } = program;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'protect-network.cjs'), code);
  writeFileSync(join(directory, 'host-facts.cjs'), facts.code);
  writeFileSync(join(directory, 'LICENCES'), licencesOf(root, [...program.modules, ...facts.modules]));
  copyFileSync(join(import.meta.dirname, 'start.cjs'), join(directory, 'start.cjs'));
  mkdirSync(join(directory, 'page'), { recursive: true });
  for (const name of webFiles) copyFileSync(join(root, 'src/control', name), join(directory, name));
  writeFileSync(
    join(directory, 'protect-network.cjs.cache'),
    makeCache(directory, code.slice(0, code.indexOf('\n') + 1)),
  );
}

async function generate(entry: string): Promise<{ code: string; modules: string[] }> {
  const build = await rolldown({
    cwd: root,
    input: join(root, entry),
    platform: 'node',
    plugins: [lazyBuiltins],
    // In parentheses, V8 would compile every module at once, also those that a command never runs.
    optimization: { pifeForModuleWrappers: false },
  });
  const { output } = await build.generate({ format: 'cjs', codeSplitting: false, minify: false, comments: false });
  await build.close();
  const [chunk, ...others] = output;
  if (others.length > 0) throw new Error(`the bundle is to be one file, and there is ${others[0]?.fileName} too`);
  const body = escaped(chunk.code);
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { code: `// protect-network ${version} ${digest}\n${body}`, modules: chunk.moduleIds };
}

/**
 * Node's own modules, loaded by the first module of ours that runs and imports them. As plain imports they would all be
 * loaded at the start: crypto alone takes 8 ms, and an `import` of http makes Node load its whole fetch, 20 ms.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  resolveId: (source) => (isBuiltin(source) ? `${builtinPrefix}${source.replace(/^node:/, '')}` : null),
  load(id) {
    if (!id.startsWith(builtinPrefix)) return null;
    const name = JSON.stringify(id.slice(builtinPrefix.length));
    return { code: `module.exports = process.getBuiltinModule(${name});`, moduleType: 'js' };
  },
};
const builtinPrefix = '\0builtin:';

/** Text in ASCII is kept and read by V8 at one byte a character. Means the same in strings, templates and patterns. */
function escaped(code: string): string {
  return code.replaceAll(/[^\p{ASCII}]/gu, (character) => {
    const units = Array.from({ length: character.length }, (_, place) => character.charCodeAt(place));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
}

/** V8's data, then the bundle's first line. */
function makeCache(directory: string, firstLine: string): Buffer {
  const start = join(directory, 'start.cjs');
  const { compile } = createRequire(import.meta.url)(start) as { compile(cacheOf: () => undefined): Script };
  const data = reproducible(start);
  compile(() => undefined)
    .createCachedData()
    .copy(data, ...flagHash);
  return Buffer.concat([data, Buffer.from(firstLine)]);
}

/**
 * The order of V8's data follows its hash seed, a random one in each process. With a seed that is told, it is always
 * the same; but V8 takes data only from a process with the same flags, so that their hash is to be that of none.
 */
function reproducible(start: string): Buffer {
  const program = `process.stdout.write(require(${JSON.stringify(start)}).compile(() => undefined).createCachedData())`;
  const result = execaSync(process.execPath, ['--hash-seed=1', '--eval', program], {
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  return Buffer.from(result.stdout);
}
/** Where SerializedCodeData (v8/src/snapshot/code-serializer.h) has it: target start, source start and end. */
const flagHash = [12, 12, 16] as const;
