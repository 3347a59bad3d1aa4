/** Bodies of messages: NUL-terminated strings, permissions, parts of a directory. Every decoder throws `garbled`. */
import { garbled } from './errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const errnoShape = /^E[A-Z0-9]{1,30}$/;
const permissionShape = /^([nrwb])(0|[1-9]\d{0,4})$/;
/** The most entries a list of permissions is believed to have: 4096 bytes hold no more. */
const maxEntries = 1365;

/** What somebody may do with a node: nothing, read, write, both. */
export type Access = 'none' | 'read' | 'write' | 'both';

export interface PermissionEntry {
  readonly domid: number;
  readonly access: Access;
}

/** Who may do what with a node. The owner may always read, write and change the permissions. */
export interface Permissions {
  readonly owner: number;
  /** What every domain may do that is neither the owner nor in `entries`. */
  readonly others: Access;
  readonly entries: readonly PermissionEntry[];
}

const accessOfLetter: Readonly<Record<string, Access>> = { n: 'none', r: 'read', w: 'write', b: 'both' };

export function encodeStrings(...strings: string[]): Buffer {
  return Buffer.from(strings.map((text) => `${text}\0`).join(''), 'utf8');
}

/** UTF-8 text, the whole body. */
export function decodeText(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw garbled('the answer is no UTF-8 text', cause);
  }
}

/** The strings of a body, each of which ends with a NUL. */
export function decodeStrings(body: Buffer): string[] {
  const text = decodeText(body);
  if (text === '') return [];
  if (!text.endsWith('\0')) throw garbled('a list of strings does not end with a NUL');
  return text.slice(0, -1).split('\0');
}

export function decodeErrno(body: Buffer): string {
  const [errno = '', ...rest] = decodeStrings(body);
  if (!errnoShape.test(errno) || rest.length > 0) throw garbled('an error without the name of an errno');
  return errno;
}

/** The id of a new transaction: a decimal that is not 0, which means "none". */
export function decodeTransactionId(body: Buffer): number {
  const [text = ''] = decodeStrings(body);
  const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (id === 0 || id > 0xffffffff) throw garbled('no transaction id in the answer');
  return id;
}

/** Path and token of a watch event; anything behind them is ignored, as xs_wire.h allows more. */
export function decodeEvent(body: Buffer): { path: string; token: string } {
  const [path, token] = decodeStrings(body);
  if (path === undefined || token === undefined) throw garbled('a watch event without path and token');
  return { path, token };
}

/** `n0`, `r5`: the first letter is what everybody not listed gets, its number the owner. */
export function decodePermissions(body: Buffer): Permissions {
  const [first, ...entries] = decodeStrings(body).slice(0, maxEntries).map(parsePermission);
  if (first === undefined) throw garbled('a node without permissions');
  return { owner: first.domid, others: first.access, entries };
}

function parsePermission(text: string): PermissionEntry {
  const match = permissionShape.exec(text);
  const access = accessOfLetter[match?.[1] ?? ''];
  if (access === undefined) throw garbled('a permission that is not n, r, w or b and a domain id');
  return { domid: Number(match?.[2]), access };
}

export interface DirectoryPart {
  readonly generation: string;
  readonly names: readonly string[];
  /** Where the next part begins, in bytes of the whole list. */
  readonly bytes: number;
  readonly last: boolean;
}

/**
 * One answer to DIRECTORY_PART: a generation, names, and behind the last name of all an empty one. Undefined where the
 * generation is not `expected`: then the directory has changed, and the part may begin in the middle of a name.
 */
export function decodeDirectoryPart(body: Buffer, expected?: string): DirectoryPart | undefined {
  const [generation, ...names] = decodeStrings(body);
  if (generation === undefined || !/^\d{1,20}$/.test(generation))
    throw garbled('a part of a directory without generation');
  if (expected !== undefined && generation !== expected) return undefined;
  const last = names.at(-1) === '';
  if (last) names.pop();
  if (names.includes('') || (names.length === 0 && !last)) throw garbled('a part of a directory with an empty name');
  return { generation, names, bytes: names.reduce((sum, name) => sum + Buffer.byteLength(name) + 1, 0), last };
}
