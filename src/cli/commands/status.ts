import type { Command } from '../command.ts';
import { dataFormatOf, formatOf, listOptions } from '../listing.ts';

export const status: Command = {
  name: 'status',
  summary: 'show the zones, their traffic and what fails',
  description: `Asks the running daemon through its control socket. SENT is what left the zone,
RECEIVED what went to it, SPOOFED the packets dropped because their source was not
the zone's address. Columns that do not fit the terminal are left out; piped output
has all of them. With --watch it is 'protect-network top'.

--check prints one line, for monitoring and playbooks, and tells by its exit code whether
everything is ready: whether each zone that a directory gives an address has a network.
--wait waits for that, also for a daemon that is starting.`,
  options: {
    ...listOptions('print everything as JSON; with --watch, a line each second', 'links'),
    watch: { help: 'repeat every second, with rates and keys; the same as top' },
    check: { help: 'print one line; exit with 1 unless everything is ready' },
    wait: { value: 'STATE', values: ['ready'], help: 'the same once STATE is reached: ready' },
    timeout: { value: 'TIME', help: 'with --wait: at most so long, e.g. 30s, 2m (default 30s)' },
  },
  exitCodes: [
    [0, 'the daemon answered; with --check or --wait, and is ready'],
    [1, 'invalid answer; with --check or --wait, not ready'],
    [2, 'the command line is wrong'],
    [75, 'the daemon does not answer'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file, which names the socket, is wrong'],
  ],
  examples: [
    'protect-network status',
    'protect-network status --watch',
    'protect-network status --check',
    'protect-network status --wait ready --timeout 30s',
    `protect-network status --json | jq '.zones[] | select(.state != "ready")'`,
  ],
  async run(args) {
    const [wanted, timeout] = [args.text('wait'), args.text('timeout')];
    if (wanted !== undefined || timeout !== undefined || args.has('check')) {
      const { verdictOf } = await import('../status-verdict.ts');
      return verdictOf(args.paths.settings, { wanted, timeout, data: dataFormatOf(args), watch: args.has('watch') });
    }
    const { showStatus } = await import('../status.ts');
    const [format, hasHeaders] = [formatOf(args), !args.has('no-headers')];
    const options = { format, hasHeaders, noColor: args.has('no-color') };
    if (!args.has('watch')) return showStatus(args.paths.settings, options);
    const { watchStatus } = await import('../top.ts');
    return watchStatus(args.paths.settings, options);
  },
};
