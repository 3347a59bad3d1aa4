/**
 * Notices foreign writes to a link's sysctls. The kernel's own notices (RTM_NEWNETCONF) leave most of them out, but a write
 * to a file under /proc/sys raises inotify's IN_MODIFY like any other, on the directory that holds it (measured on 6.18;
 * nothing of the kind is true of /sys/class/net).
 *
 * The directory is kept open as long as it is watched: its entry in the kernel's cache of names could otherwise be dropped,
 * and the next writer would get another inode, which nobody watches.
 */
import { closeSync, type FSWatcher, openSync, readFileSync, watch } from 'node:fs';
import type { Family } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';
import type { HostEvent, Sysctl, SysctlPath } from './port.ts';
import { procSysctl, sysctlName } from './sysctl.ts';

const places: readonly (readonly [Family, 'conf' | 'neigh'])[] = [
  ['ipv4', 'conf'],
  ['ipv4', 'neigh'],
  ['ipv6', 'conf'],
  ['ipv6', 'neigh'],
];

/**
 * Half of the files that the process may have open go into this (half a million under systemd); the rest is for its work.
 * With 5000 links and a bound of 20,000 nothing could be read or started any more.
 */
function mostLinks(): number {
  const limit = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(limit) / 2 / places.length);
}

interface Followed {
  readonly watchers: FSWatcher[];
  readonly directories: number[];
  /** Values of our own, by sysctl: our writes are no news. */
  readonly written: Map<string, string>;
}

export class WatchedSysctl implements Sysctl {
  readonly #listener: () => (event: HostEvent) => void;
  readonly #followed = new Map<LinkName, Followed>();
  readonly #mostLinks = mostLinks();
  followProblem: string | undefined;

  /** `listener` is asked for each event: the host is made before anybody listens. */
  constructor(listener: () => (event: HostEvent) => void) {
    this.#listener = listener;
  }

  read(path: SysctlPath): string | undefined {
    return procSysctl.read(path);
  }

  write(path: SysctlPath, value: string): void {
    procSysctl.write(path, value);
    this.#followed.get(path.link as LinkName)?.written.set(sysctlName(path), value);
  }

  follow(link: LinkName): void {
    const written = this.#followed.get(link)?.written ?? new Map<string, string>();
    this.unfollow(link);
    if (this.#followed.size >= this.#mostLinks) {
      this.#giveUp(
        link,
        `more than ${this.#mostLinks} links, for which the limit of open files is too low (LimitNOFILE)`,
      );
      return;
    }
    const followed: Followed = { watchers: [], directories: [], written };
    this.#followed.set(link, followed);
    for (const [family, group] of places) {
      try {
        this.#watch(link, family, group, followed);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // No IPv6, or the link is gone already.
        if (code === 'ENOENT') continue;
        this.#giveUp(link, code ?? String(error));
        return;
      }
    }
  }

  unfollow(link: LinkName): void {
    const followed = this.#followed.get(link);
    if (followed === undefined) return;
    this.#followed.delete(link);
    for (const watcher of followed.watchers) watcher.close();
    for (const directory of followed.directories) closeSync(directory);
  }

  close(): void {
    for (const link of [...this.#followed.keys()]) this.unfollow(link);
  }

  #watch(link: LinkName, family: Family, group: 'conf' | 'neigh', followed: Followed): void {
    const path = `/proc/sys/net/${family}/${group}/${link}`;
    followed.directories.push(openSync(path, 'r'));
    const watcher = watch(path, { persistent: false }, (_kind, key) => {
      // The watch's own end is told as a change of the directory itself.
      if (key === null || !/^[a-z0-9_]+$/.test(key)) return;
      const sysctl: SysctlPath = { family, group, link, key };
      const name = sysctlName(sysctl);
      const value = this.#valueOf(sysctl);
      if (value === undefined || value === followed.written.get(name)) return;
      this.#listener()({ kind: 'sysctl', link, name });
    });
    watcher.on('error', (error) => {
      this.#giveUp(link, error.message);
    });
    followed.watchers.push(watcher);
  }

  #giveUp(link: LinkName, reason: string): void {
    this.followProblem = say(hostWarnings.unfollowedSysctls, { link, reason });
  }

  /** Undefined where the file is gone or cannot be read: some can only be written. */
  #valueOf(path: SysctlPath): string | undefined {
    try {
      return this.read(path);
    } catch {
      // What cannot be read is none of ours.
      return undefined;
    }
  }
}
