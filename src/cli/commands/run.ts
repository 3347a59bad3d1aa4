import type { Command } from '../command.ts';

export const run: Command = {
  name: 'run',
  summary: 'connect the zones of this host and keep them connected (the daemon)',
  description: `Follows the links, routes and firewall of this host and the zone directories, and
repairs whatever differs from the desired state. Runs until SIGTERM or SIGINT and
then leaves everything in place: traffic is not interrupted. A change of a
settings file or a policy is applied at once.`,
  options: {
    'log-format': {
      value: 'FORMAT',
      values: ['text', 'json'],
      help: 'text or json, on standard output (default text)',
    },
  },
  exitCodes: [
    [0, 'stopped by a signal'],
    [1, 'failed; another daemon runs already, or the kernel lacks a feature'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, "a settings file or a policy is wrong (see 'protect-network check')"],
  ],
  examples: [
    'systemctl start protect-network',
    'protect-network run --debug',
    'protect-network run --config ./daemon.toml --settings ./protect-network.toml',
  ],
  async run(args) {
    const logFormat = args.text('log-format') === 'json' ? 'json' : 'text';
    const [{ runDaemon }, { endWithoutJoining }] = await Promise.all([import('../run.ts'), import('../end.ts')]);
    await runDaemon(args.paths, { logFormat, debug: args.has('debug') });
    return endWithoutJoining();
  },
};
