/**
 * Tells the service manager how we are. Node cannot send to a Unix datagram socket, so systemd's own tool does; the unit
 * allows it with NotifyAccess=all.
 */
import { existsSync } from 'node:fs';
import { execa } from 'execa';

const tool = '/usr/bin/systemd-notify';

/** The socket the service manager gave us: part of its protocol, and the only thing read from the environment. */
const notifySocket = process.env['NOTIFY_SOCKET'];

/** Does nothing where nobody asked for it. */
export async function notifySystemd(...assignments: string[]): Promise<void> {
  if (notifySocket === undefined || !existsSync(tool)) return;
  await execa(tool, assignments, {
    env: { NOTIFY_SOCKET: notifySocket },
    extendEnv: false,
    reject: false,
    timeout: 5_000,
  });
}
