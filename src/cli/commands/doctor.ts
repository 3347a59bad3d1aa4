import type { Command } from '../command.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'look for what keeps zones on this host from their network',
  description: `Looks at the tools, the kernel, forwarding, uplinks, firewalls of others, overlaps
with this host's routes and addresses, sizes, permissions, zone directories and the
daemon, and says of each what is wrong, why it matters and what to type. Changes
nothing. It works with and without a running daemon.`,
  options: { json: { help: 'print the findings as JSON' } },
  exitCodes: [
    [0, 'nothing must be mended; there may be warnings'],
    [1, 'something must be mended'],
    [2, 'the command line is wrong'],
  ],
  examples: [
    'protect-network doctor',
    `protect-network doctor --json | jq -r '.findings[] | select(.level == "bad") | .what'`,
  ],
  async run(args) {
    const { examineHost } = await import('../doctor.ts');
    return examineHost(args.paths, { json: args.has('json'), noColor: args.has('no-color') });
  },
};
