import type { Command } from '../command.ts';
import { dataFormatOf, dataOptions } from '../listing.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'find what on this host keeps zones from having a network',
  description: `Checks the tools, the kernel, forwarding, uplinks, other firewalls, overlaps with
this host's routes and addresses, table sizes, permissions, zone directories and the
daemon, and prints for each what is wrong, why it matters and what to type. Changes
nothing. It works with and without a running daemon.`,
  options: dataOptions('print the findings as JSON'),
  exitCodes: [
    [0, 'nothing to fix; there may be warnings'],
    [1, 'something to fix'],
    [2, 'the command line is wrong'],
  ],
  examples: [
    'protect-network doctor',
    `protect-network doctor --json | jq -r '.findings[] | select(.level == "bad") | .what'`,
  ],
  async run(args) {
    const { examineHost } = await import('../doctor.ts');
    return examineHost(args.paths, { data: dataFormatOf(args), noColor: args.has('no-color') });
  },
};
