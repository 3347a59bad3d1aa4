import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';

export const check: Command = {
  name: 'check',
  summary: 'validate the settings files, the policies and the static zones',
  positionals: ['[FILE...]'],
  description: `Reads both settings files, the policies and the static zone directory as the daemon
would, and prints what would be in force: the number of policies, subnets, gateways,
zone directories and every setting that differs from its default. Starts nothing and
changes nothing. Mistakes are reported with file, line and column. With --fleet it
compares the settings files of several hosts instead: no two may have the same
addresses in fleet.block.`,
  options: { fleet: { help: 'compare settings files of several hosts, each FILE one' } },
  exitCodes: [
    [0, 'all valid; there may be warnings'],
    [2, 'the command line is wrong'],
    [77, 'not permitted to read a file'],
    [78, 'a settings file, a policy or a static zone file is wrong, or two hosts have the same addresses'],
  ],
  examples: [
    'protect-network check',
    'protect-network check --fleet hosts/*.toml',
    'protect-network check --settings ./new.toml && cp new.toml /etc/edera/protect-network.toml',
  ],
  async run(args) {
    const [first] = args.positionals;
    if (args.has('fleet')) {
      const { checkFleet } = await import('../check-fleet.ts');
      return checkFleet(args.positionals);
    }
    if (first !== undefined)
      throw new ProtectNetworkError(
        'usage',
        `FILEs are for --fleet; to check one settings file: --settings '${first}'`,
      );
    const { checkConfiguration } = await import('../check.ts');
    return checkConfiguration(args.paths);
  },
};
