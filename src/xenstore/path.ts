/**
 * Paths of xenstore. Rules and bounds: docs/misc/xenstore.txt and xen/include/public/io/xs_wire.h of Xen
 * (XENSTORE_ABS_PATH_MAX 3072, the NUL not counted).
 */
export type XenstorePath = string & { readonly __brand: 'XenstorePath' };

/** What can be watched: a path, or one of xenstored's two announcements. */
export type WatchPath = XenstorePath | '@introduceDomain' | '@releaseDomain';

const shape = /^\/(?:[A-Za-z0-9\-_@]+(?:\/[A-Za-z0-9\-_@]+)*)?$/;
const maxBytes = 3072;

/** The absolute path, or undefined where `text` is none: relative, `//`, a slash at the end, a foreign character, too long. */
export function parsePath(text: string): XenstorePath | undefined {
  return text.length <= maxBytes && shape.test(text) ? (text as XenstorePath) : undefined;
}

/** A path the program itself wrote down. Throws RangeError where it is none. */
export function path(text: string): XenstorePath {
  const parsed = parsePath(text);
  if (parsed === undefined) throw new RangeError(`not a xenstore path: ${JSON.stringify(text.slice(0, 80))}`);
  return parsed;
}

/** `parent` with `names` below it. Throws RangeError where a name has a slash or a foreign character. */
export function below(parent: XenstorePath, ...names: (string | number)[]): XenstorePath {
  if (names.some((name) => String(name).includes('/'))) throw new RangeError('a name in a path has no slash');
  return path([parent === '/' ? '' : parent, ...names].join('/'));
}
