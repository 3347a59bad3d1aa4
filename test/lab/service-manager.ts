/** A socket on which a service manager would listen (sd_notify(3)), and what was said to it. */
import { join } from 'node:path';
import { LongRunning } from './command.ts';

/** Prints each datagram as one line. */
const receiver = `
  use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);
  socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind(S, pack_sockaddr_un($ARGV[0])) or die $!;
  $| = 1; print "listening\\n"; alarm 300;
  while (defined recv(S, my $message, 4096, 0)) { $message =~ tr/\\n/ /; print "$message\\n" }
`;

export class TestServiceManager {
  /** Becomes the program it is given, with this socket. */
  readonly through: readonly string[];
  readonly #process: LongRunning;

  private constructor(socket: string) {
    this.#process = new LongRunning('perl', ['-e', receiver, socket]);
    this.through = ['env', `NOTIFY_SOCKET=${socket}`];
  }

  static async start(directory: string): Promise<TestServiceManager> {
    const manager = new TestServiceManager(join(directory, 'notify'));
    await manager.#process.waitForLine((line) => line === 'listening', { deadlineMs: 30_000 });
    return manager;
  }

  get heard(): readonly string[] {
    return this.#process.stdout.slice(1);
  }

  /** True once it was told so. */
  get isReady(): boolean {
    return this.heard.some((line) => line.startsWith('READY=1'));
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
