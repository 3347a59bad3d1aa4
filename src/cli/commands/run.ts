import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';

export const run: Command = {
  name: 'run',
  summary: 'wire the zones of this host and keep them wired (the daemon)',
  description: `Follows the links, routes and firewall of this host and the zone directories, and
repairs whatever differs from what should be. Runs until SIGTERM or SIGINT and
leaves everything in place then: stopping it moves no packet. A change of a
settings file is taken up at once.`,
  options: {
    'log-format': { value: 'FORMAT', help: 'text or json, on standard output (default text)' },
  },
  exitCodes: [
    [0, 'stopped by a signal'],
    [1, 'failed; another daemon runs already, or the kernel lacks something'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, "a settings file is wrong ('protect-network check' says the same)"],
  ],
  examples: [
    'systemctl start protect-network',
    'protect-network run --debug',
    'protect-network run --config ./daemon.toml --settings ./protect-network.toml',
  ],
  async run(args) {
    const logFormat = args.text('log-format') ?? 'text';
    if (logFormat !== 'text' && logFormat !== 'json') {
      throw new ProtectNetworkError('usage', `--log-format is '${logFormat}'; expected text or json`);
    }
    const { runDaemon } = await import('../run.ts');
    return runDaemon(args.paths, { logFormat, debug: args.has('debug') });
  },
};
