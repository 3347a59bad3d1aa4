import type { Command } from '../command.ts';
import { dataFormatOf, dataOptions } from '../listing.ts';

export const policySuggest: Command = {
  name: 'policy suggest',
  summary: 'print the rules that would have allowed what a zone was denied',
  positionals: ['LINK|NAME'],
  description: `Prints a policy, ready to be read, shortened and put into the policy directory: the
rules that would have allowed what the zone wanted and no rule allows. With
mode = "audit" all of that has passed; with "enforce" it was denied. Each rule has a
comment that says how often the daemon heard of it, and when last. What cannot be
allowed as it stands is a comment: a name that was asked for without a connection, or
what a deny rule forbids. Asks the running daemon, which remembers 256 destinations of
each zone until it restarts. Changes nothing.`,
  options: dataOptions('print everything as JSON'),
  exitCodes: [
    [0, 'printed, also where nothing was denied'],
    [2, 'the command line is wrong, or there is no such zone'],
    [75, 'the daemon does not answer'],
    [77, 'not permitted to ask the daemon'],
    [78, 'the settings file is wrong'],
  ],
  examples: ['protect-network policy suggest web', 'protect-network policy suggest vif7.0 --json'],
  async run(args) {
    const { suggestPolicy } = await import('../policy-suggest.ts');
    return suggestPolicy(args.paths.settings, args.positionals[0] ?? '', dataFormatOf(args));
  },
};
