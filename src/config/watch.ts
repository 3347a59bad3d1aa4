/** Live reload: calls back when what people have decided has changed, or has become unreadable. */
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../model/errors.ts';
import { type Config, type ConfigPaths, loadConfig } from './config.ts';
import { type DirectoryChange, watchDirectory } from './directory-watch.ts';

export interface ConfigListener {
  /** The configuration is another one now, or is good again after `rejected`. */
  reloaded(config: Config): void;
  /** The files cannot be used as they are; what was good last remains so. Called once per distinct error. */
  rejected(error: unknown): void;
}

export interface ConfigWatch {
  /** Why a change may be noticed late at the moment, for people; undefined where it is not so. */
  problem(): string | undefined;
  close(): Promise<void>;
}

/**
 * Quiet time before the files are read, in milliseconds: an editor that truncates and writes, or deletes and makes
 * anew, shows an empty or missing file for a moment, which would mean the defaults.
 */
const settleMilliseconds = 250;
/** Somebody who writes without a pause is read all the same after this long. */
const maxDelayMilliseconds = 2000;

/** Follows both files, missing ones and their missing directories included. `current` is what the caller has in force. */
export async function watchConfig(
  paths: ConfigPaths,
  listener: ConfigListener,
  current?: Config,
): Promise<ConfigWatch> {
  let last = current ?? attemptLoad(paths);
  let rejection: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let deadline = 0;

  const reload = () => {
    deadline = 0;
    let config: Config;
    try {
      config = loadConfig(paths);
    } catch (error) {
      if (messageOf(error) === rejection) return;
      rejection = messageOf(error);
      listener.rejected(error);
      return;
    }
    // In which line something is said means nothing.
    if (rejection === undefined && isDeepStrictEqual({ ...config, origin: last?.origin }, last)) return;
    rejection = undefined;
    last = config;
    listener.reloaded(config);
  };
  const schedule = () => {
    const now = performance.now();
    if (deadline === 0) deadline = now + maxDelayMilliseconds;
    clearTimeout(timer);
    timer = setTimeout(reload, Math.max(0, Math.min(settleMilliseconds, deadline - now)));
  };

  const files = [paths.config, paths.settings];
  const watches = await Promise.all(
    [...new Set(files.map((file) => dirname(file)))].map((directory) => {
      const names = new Set(files.filter((file) => dirname(file) === directory).map((file) => basename(file)));
      const concerns = (change: DirectoryChange) => change === 'all' || names.has(change.name);
      return watchDirectory(directory, (change) => {
        if (concerns(change)) schedule();
      });
    }),
  );
  // What changed between the caller's own reading and the watch has had no event.
  schedule();
  return {
    problem: () => watches.map((watch) => watch.problem()).find((problem) => problem !== undefined),
    async close() {
      clearTimeout(timer);
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

/** Undefined where nothing good is there to compare with: the first good configuration is then news. */
function attemptLoad(paths: ConfigPaths): Config | undefined {
  try {
    return loadConfig(paths);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
