import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it, onTestFinished } from 'vitest';
import { findServiceManager } from '../../../src/host/systemd.ts';
import { waitFor } from '../../lab/wait-for.ts';

/** Prints one datagram, at a path or, for one that begins with `@`, in the abstract namespace. */
const receiver = `
  my $path = $ARGV[0]; $path =~ s/^@/\\0/;
  socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack_sockaddr_un($path)) or die $!;
  $| = 1; print "bound\\n"; alarm 20; recv(S, my $message, 99, 0); print $message;
`;

it.each([
  ['at a path', ''],
  ['with an abstract name', '@'],
])(
  'the service manager hears it %s',
  async (_, prefix) => {
    const directory = mkdtempSync(join(tmpdir(), 'protect-network-notify-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const socket = `${prefix}${directory}/notify`;
    const manager = execa('perl', ['-MSocket', '-e', receiver, socket]);
    let said = '';
    manager.stdout.on('data', (chunk) => {
      said += String(chunk);
    });
    await waitFor(async () => said.startsWith('bound') || undefined, { what: 'the receiver' });
    expect(existsSync(socket)).toBe(prefix === '');
    findServiceManager({ NOTIFY_SOCKET: socket }).tell('READY=1', 'STATUS=zones: none');
    expect((await manager).stdout).toBe('bound\nREADY=1\nSTATUS=zones: none');
  },
  30_000,
);

it('where nobody listens, telling it is an error, and without its variable it is nothing', () => {
  expect(() => findServiceManager({ NOTIFY_SOCKET: '@nobody-listens-here' }).tell('READY=1')).toThrow(/ECONNREFUSED/);
  expect(() => findServiceManager({}).tell('READY=1')).not.toThrow();
});
