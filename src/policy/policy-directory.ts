/** The directory of policy files, as it is now. Reads again only what has changed since the last time. */
import { type BigIntStats, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  fileError,
  identityOf,
  isMissing,
  readBoundedFile,
  whyLinkNotTrusted,
  whyNotTrusted,
} from '../config/read-file.ts';
import { maxTomlBytes } from '../config/toml-file.ts';
import { combinedError, ProtectNetworkError } from '../model/errors.ts';
import type { Policy } from './model.ts';
import { type PolicyFile, parsePolicyFile } from './policy-file.ts';

/** What a directory says, in the order of its files' names and their places in them. */
export interface Policies {
  readonly policies: readonly Policy[];
  /** For people: what is probably not meant, with its place. One sentence each. */
  readonly warnings: readonly string[];
  /** By name, for the next reading. */
  readonly files: ReadonlyMap<string, KnownFile>;
}

interface KnownFile extends PolicyFile {
  /** As long as it is the same, so is what the file says; undefined where that cannot be told. */
  readonly identity: string | undefined;
  readonly bytes: number;
}

const suffix = '.toml';
const maxFiles = 4096;
/** Of all files together: a second or two of parsing for each MiB. */
const maxBytes = 8 * 1024 * 1024;
/** Files of which what is wrong is told at once. */
const maxWrongFiles = 8;
/** More than any kernel's (CONFIG_HZ=100: 10 ms). */
const tickMs = 100;

/** True for the files that are read: not dotfiles, and not what an editor leaves beside. */
export function isPolicyFileName(name: string): boolean {
  return name.endsWith(suffix) && !name.startsWith('.');
}

/**
 * Every policy of `directory`; none where there is no such directory. Throws one error that names everything wrong in any
 * file: `config-invalid`, also for what others than root and our own user could have written, `config-unreadable` or `permission`.
 */
export async function loadPolicies(directory: string, known: Policies['files'] = new Map()): Promise<Policies> {
  const files = new Map<string, KnownFile>();
  const errors: unknown[] = [];
  let bytes = 0;
  for (const name of listNames(directory)) {
    try {
      const file = await readPolicyFile(join(directory, name), known.get(name));
      if (file === undefined) continue;
      files.set(name, file);
      bytes += file.bytes;
    } catch (error) {
      errors.push(error);
    }
    if (errors.length > maxWrongFiles) break;
    if (bytes > maxBytes) throw tooLarge(directory, `files of more than ${maxBytes} bytes in all`);
  }
  if (errors.length > 0) throw combinedError(errors);
  const all = [...files.values()];
  return { policies: all.flatMap((file) => file.policies), warnings: all.flatMap((file) => file.warnings), files };
}

function listNames(directory: string): string[] {
  try {
    const stats = statSync(directory, { bigint: true });
    if (!stats.isDirectory()) {
      throw new ProtectNetworkError('config-unreadable', `${directory}: is a file; expected a directory`);
    }
    // Who may write a directory may take files away, and what these forbade would be allowed.
    const distrust = whyNotTrusted(stats);
    if (distrust !== undefined) throw new ProtectNetworkError('config-invalid', `${directory}: ${distrust}`);
    const names = readdirSync(directory).filter(isPolicyFileName).sort();
    if (names.length > maxFiles)
      throw tooLarge(directory, `${names.length} policy files; expected at most ${maxFiles}`);
    return names;
  } catch (error) {
    if (error instanceof ProtectNetworkError) throw error;
    if (isMissing(error)) return [];
    throw fileError(directory, error);
  }
}

/** Undefined where it is gone. */
async function readPolicyFile(path: string, known: KnownFile | undefined): Promise<KnownFile | undefined> {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  // A link's own identity is never that of its target, so that its target is read each time.
  if (known !== undefined && known.identity === identityOf(stats)) return known;
  const distrust = whyLinkNotTrusted(path);
  if (distrust !== undefined) throw new ProtectNetworkError('config-invalid', `${path}: ${distrust}`);
  const file = readBoundedFile(path, { maxBytes: maxTomlBytes, follow: true, judge: whyNotTrusted });
  if (file === undefined) return undefined;
  // The control socket and the watchdog get their turns between files.
  await nextTurn();
  const parsed = await parsePolicyFile(path, file.text);
  const policies = parsed.policies.map((policy, index) => sameOr(known?.policies[index], policy));
  return {
    ...parsed,
    policies,
    identity: settledIdentity(file.stats),
    bytes: Number(file.stats.size),
  };
}

/** Whoever compares needs not look inside of what has not changed. */
function sameOr(known: Policy | undefined, fresh: Policy): Policy {
  return known !== undefined && isDeepStrictEqual(known, fresh) ? known : fresh;
}

/** Undefined for a file that may change again without another identity: within one tick of the kernel's clock. */
function settledIdentity(stats: BigIntStats): string | undefined {
  const ageMs = Date.now() - Number(stats.ctimeNs / 1_000_000n);
  return ageMs < tickMs ? undefined : identityOf(stats);
}

function tooLarge(directory: string, what: string): ProtectNetworkError {
  return new ProtectNetworkError('config-invalid', `${directory}: holds ${what}`);
}
