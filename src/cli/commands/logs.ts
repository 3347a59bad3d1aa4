import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';

export const logs: Command = {
  name: 'logs',
  summary: 'show what the daemon, the forwarder and protect-daemon have logged',
  description: `Reads the journal of both services and shows it in one stream, the oldest line
first. With --zone, only lines about that zone: those with its link, name, address or
id in a field or in the text. If the zone has ended, or the daemon is not running,
only lines with exactly the given word. For journalctl itself, each
line has fields: 'journalctl PROTECT_NETWORK_ZONE=web', …_LINK, …_EVENT and more.`,
  options: {
    follow: { short: 'f', help: 'keep showing new lines' },
    zone: { value: 'LINK|NAME', help: 'only lines about this zone' },
    since: { value: 'TIME', help: "as journalctl takes it: '1 hour ago', today, '2026-03-01 12:00'" },
    lines: { short: 'n', value: 'NUMBER', help: 'at most this many, the newest (default 100; all with --since)' },
  },
  exitCodes: [
    [0, 'shown; there may have been nothing to show'],
    [1, 'this host keeps no journal, or it has nothing about such a zone'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file, which names the socket, is wrong'],
  ],
  examples: [
    'protect-network logs -f',
    'protect-network logs --zone vif7.0 -n 20',
    "protect-network logs --zone web --since '1 hour ago'",
  ],
  async run(args) {
    const lines = args.text('lines');
    if (lines !== undefined && !/^[1-9]\d{0,5}$/.test(lines)) {
      throw new ProtectNetworkError('usage', `--lines is '${lines}'; expected a number from 1 to 999999`);
    }
    const { showLogs } = await import('../logs.ts');
    return showLogs({
      settingsPath: args.paths.settings,
      follow: args.has('follow'),
      zone: args.text('zone'),
      since: args.text('since'),
      lines: lines === undefined ? undefined : Number(lines),
      noColor: args.has('no-color'),
    });
  },
};
