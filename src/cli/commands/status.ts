import type { Command } from '../command.ts';

export const status: Command = {
  name: 'status',
  summary: 'show the zones, their traffic and what fails',
  description: `Asks the running daemon through its control socket. SENT is what left the zone,
RECEIVED what went to it, SPOOFED the packets dropped because their source was not
the zone's address. Columns that do not fit the terminal are left out; piped output
has all of them. With --watch, q ends it.`,
  options: {
    json: { help: 'print everything as JSON; with --watch, a line each second' },
    watch: { help: 'repeat every second, with rates' },
  },
  exitCodes: [
    [0, 'the daemon answered'],
    [1, 'invalid answer'],
    [2, 'the command line is wrong'],
    [75, 'the daemon does not answer'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file, which names the socket, is wrong'],
  ],
  examples: [
    'protect-network status',
    'protect-network status --watch',
    `protect-network status --json | jq '.zones[] | select(.state != "ready")'`,
  ],
  async run(args) {
    const { showStatus, watchStatus } = await import('../status.ts');
    const options = { json: args.has('json'), noColor: args.has('no-color') };
    return args.has('watch') ? watchStatus(args.paths.settings, options) : showStatus(args.paths.settings, options);
  },
};
