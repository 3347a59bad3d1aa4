import type { Command } from '../command.ts';

export const dns: Command = {
  name: 'dns',
  summary: 'answer the names that policed zones ask for (the forwarder)',
  description: `Answers port 53 of the zones that a policy with egress rules is about. Names that
no rule of the zone allows do not exist for it; others are asked of the resolvers
of this host, and told once the daemon has opened their addresses to the zone.
Runs without privileges, as a user of its own, and takes what it has to know from
the daemon; of the settings it reads only where the daemon's socket lies.
Runs until SIGTERM or SIGINT. While it does not, zones keep what is open to them.`,
  options: {
    'log-format': {
      value: 'FORMAT',
      values: ['text', 'json'],
      help: 'text or json, on standard output (default text)',
    },
  },
  exitCodes: [
    [0, 'stopped by a signal'],
    [1, 'failed'],
    [2, 'the command line is wrong'],
    [77, 'its user may not read the settings'],
    [78, "the settings are wrong (see 'protect-network check')"],
  ],
  examples: ['systemctl start protect-network-dns', 'protect-network dns --settings ./protect-network.toml'],
  async run(args) {
    const logFormat = args.text('log-format') === 'json' ? 'json' : 'text';
    const [{ runForwarder }, { endWithoutJoining }] = await Promise.all([import('../dns.ts'), import('../end.ts')]);
    await runForwarder(args.paths, { logFormat, debug: args.has('debug') });
    return endWithoutJoining();
  },
};
