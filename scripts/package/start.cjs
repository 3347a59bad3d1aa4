// Runs the bundle with the code that V8 made of it at build time. Parsing 1.8 MB of JavaScript takes 80 ms at every
// start; reading this instead takes 10. Without a cache, or with another bundle's, it starts all the same, later.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const filename = join(__dirname, 'protect-network.cjs');
module.exports = { compile, readCache };

if (require.main === module) {
  // A stack trace names the bundle's own lines: nothing but this one is put in front of the first.
  compile(readCache).runInThisContext()(require, module, exports, filename, __dirname);
}

/** `cacheOf` is given the bundle's first line, which names its content, and returns V8's data for it, if there is any. */
function compile(cacheOf) {
  // Bytes are characters: the build sees to it that the bundle is ASCII.
  const source = readFileSync(filename, 'latin1');
  const wrapped = `(function (require, module, exports, __filename, __dirname) {${source}\n})`;
  // V8 keeps the name with its data: a whole path would be that of the machine it was built on.
  return new Script(wrapped, {
    filename: 'protect-network.cjs',
    cachedData: cacheOf(source.slice(0, source.indexOf('\n') + 1)),
  });
}

/** V8 itself looks only at the source's length, so that an upgrade that is half done must not mix two bundles. */
function readCache(firstLine) {
  let file;
  try {
    file = readFileSync(`${filename}.cache`);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  const end = Math.max(0, file.length - firstLine.length);
  return file.toString('latin1', end) === firstLine ? file.subarray(0, end) : undefined;
}
