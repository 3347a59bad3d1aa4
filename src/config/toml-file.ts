/** A TOML file as a checked value; the place where configuration becomes typed. */
import type { BigIntStats } from 'node:fs';
import type { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';
import { readBoundedFile } from './read-file.ts';
import { decodeToml, describeProblem, type TomlProblem } from './toml-decode.ts';

/** Far beyond any honest file (ours has 2 KiB); reading and parsing it stays under 50 ms. */
export const maxTomlBytes = 1024 * 1024;

export interface TomlFile<T> {
  readonly value: T;
  readonly text: string;
  readonly stats: BigIntStats;
}

/**
 * The file's value, or undefined where there is no such file. Throws `config-invalid` naming every problem with file,
 * line, column, the line itself and a caret; `permission` or `config-unreadable` where it cannot be read.
 * `judge` refuses a file by its owner and mode before a byte of it is read.
 */
export function readTomlFile<T>(
  path: string,
  schema: z.ZodType<T>,
  judge?: (stats: BigIntStats) => string | undefined,
): TomlFile<T> | undefined {
  const file = readBoundedFile(path, { maxBytes: maxTomlBytes, follow: true, ...(judge && { judge }) });
  if (file === undefined) return undefined;
  return { value: parseToml(path, file.text, schema), text: file.text, stats: file.stats };
}

/** The value of TOML text; `file` is only named in errors. Throws `config-invalid`. */
export function parseToml<T>(file: string, text: string, schema: z.ZodType<T>): T {
  const decoded = decodeToml(text, schema);
  if (decoded.ok) return decoded.value;
  throw invalid(file, text, decoded.problems);
}

export function invalid(file: string, text: string, problems: readonly TomlProblem[]): ProtectNetworkError {
  const message = problems.map((problem) => describeProblem(file, text, problem)).join('\n');
  return new ProtectNetworkError('config-invalid', message);
}
