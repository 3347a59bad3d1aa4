/** The daemon as it is installed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fetchStatus } from '../../../src/control/client.ts';
import type { Status, ZoneStatus } from '../../../src/control/status.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { patience } from './zone.ts';

const socket = '/run/protect-network/control.sock';
export const logFile = '/tmp/daemon.log';
const program = '/usr/sbin/protect-network';

export class Daemon {
  #child: ChildProcess | undefined;
  /** Characters of the log that earlier ones wrote. */
  #logBefore = 0;
  readonly #deadlineMs: number;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** `command`: another one that stands in for it. Returns at once. */
  start(command: readonly [string, ...string[]] = [program, 'run']): void {
    this.#logBefore = this.log.length;
    const log = openSync(logFile, 'a');
    const [file, ...words] = command;
    // As a service manager would: from the root directory, with nothing in the environment.
    const child = spawn(file, words, { cwd: '/', env: { PATH: '/usr/sbin:/usr/bin' }, stdio: ['ignore', log, log] });
    child.on('error', (error) => writeFileSync(log, `${error.message}\n`));
    this.#child = child;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the daemon does not run');
    return pid;
  }

  /** Ends it by a signal and waits until it has. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    child?.kill(signal);
    await waitFor(() => child?.exitCode !== null || child.signalCode !== null, {
      what: 'the end of the daemon',
      ...patience,
    });
  }

  status(): Promise<Status> {
    return fetchStatus(socket);
  }

  /** Waits until its log says something, since it was started. A status would have it count packets, by a process of nft. */
  async says(words: RegExp): Promise<void> {
    const options = { what: `the daemon to log ${words}`, deadlineMs: this.#deadlineMs, everyMs: 100 };
    await waitFor(() => words.test(this.log.slice(this.#logBefore)), options);
  }

  /** Waits until a status is as wanted. */
  until<T>(what: string, probe: (status: Status) => T | undefined | false): Promise<Exclude<T, undefined | false>> {
    const options = { what: `the daemon to say ${what}`, deadlineMs: this.#deadlineMs, everyMs: 1500 };
    return waitFor(async () => probe(await this.status()), options);
  }

  async ready(link: string): Promise<ZoneStatus> {
    await this.says(new RegExp(`${link} is ready: `));
    return this.until(`that ${link} is ready`, ({ zones }) =>
      zones.find((zone) => zone.link === link && zone.state === 'ready'),
    );
  }

  gone(link: string): Promise<true> {
    return this.until(`nothing of ${link}`, ({ zones }) => zones.every((zone) => zone.link !== link));
  }

  get log(): string {
    return existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
  }
}
