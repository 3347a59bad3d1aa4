/** The daemon as it is installed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fetchStatus } from '../../../src/control/fetch-status.ts';
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

  /** Returns at once. */
  start(): void {
    this.#logBefore = this.log.length;
    const log = openSync(logFile, 'a');
    // As a service manager would: from the root directory, with nothing in the environment.
    const child = spawn(program, ['run'], {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin' },
      stdio: ['ignore', log, log],
    });
    child.on('error', (error) => writeFileSync(log, `${error.message}\n`));
    this.#child = child;
  }

  /** Where nobody has started it, nobody is waited for. */
  get #patienceMs(): number {
    return this.#child === undefined ? 3000 : 300_000;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the daemon is not running');
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

  /** Asked again where it takes too long for the client: here a zone's boot may keep everybody else from the processor. */
  status(): Promise<Status> {
    let last: unknown;
    const answer = () =>
      fetchStatus(socket).catch((error: unknown) => {
        last = error;
        return undefined;
      });
    return waitFor(answer, { what: 'a status', ...patience }).catch(() => Promise.reject(last));
  }

  /** What its status says of a link. */
  async zone(link: string): Promise<ZoneStatus | undefined> {
    return (await this.status()).zones.find((zone) => zone.link === link);
  }

  /** Waits until its log says something, since it was started. A status would have it count packets, by a process of nft. */
  async says(words: RegExp): Promise<void> {
    const options = { what: `the daemon to log ${words}`, deadlineMs: this.#patienceMs, everyMs: 300 };
    await waitFor(() => words.test(this.log.slice(this.#logBefore)), options);
  }

  /** Waits until a status is as wanted. */
  until<T>(what: string, probe: (status: Status) => T | undefined | false): Promise<Exclude<T, undefined | false>> {
    const options = { what: `the daemon to say ${what}`, deadlineMs: this.#patienceMs, everyMs: 2500 };
    return waitFor(async () => probe(await this.status()), options);
  }

  async ready(link: string): Promise<void> {
    await this.says(new RegExp(`${link} is ready: `));
  }

  async gone(link: string): Promise<void> {
    await this.until(`nothing of ${link}`, ({ zones }) => zones.every((zone) => zone.link !== link));
  }

  get log(): string {
    return existsSync(logFile) ? readFileSync(logFile, 'utf8') : '';
  }
}
