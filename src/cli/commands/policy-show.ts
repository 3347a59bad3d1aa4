import type { Command } from '../command.ts';
import { formatOf, listOptions } from '../listing.ts';

export const policyShow: Command = {
  name: 'policy show',
  aliases: ['policy list', 'policy ls', 'policy get'],
  summary: 'show the policies, and what they say of a zone',
  positionals: ['[LINK|NAME]'],
  description: `Without a zone, lists the policies: where each stands, how many zones it is about, and
how many rules it has. With one, prints what all policies together allow it and deny
it, each rule with its file and line, and what is open by names now. Reads the files,
and asks the running daemon which zones there are; without a daemon, zones are those
of the static directory.
Changes nothing.`,
  options: listOptions('print everything as JSON', 'names of the files'),
  exitCodes: [
    [0, 'printed'],
    [1, 'there is no such zone; printed is what would hold for one'],
    [2, 'the command line is wrong'],
    [77, 'not permitted to read a file'],
    [78, 'a settings file or a policy is wrong'],
  ],
  examples: [
    'protect-network policy show',
    'protect-network policy show web',
    `protect-network policy show vif7.0 --json | jq -r '.zones[].allow[].rule'`,
  ],
  async run(args) {
    const { showPolicies } = await import('../policy-show.ts');
    const hasHeaders = !args.has('no-headers');
    return showPolicies(args.paths, { zone: args.positionals[0], format: formatOf(args), hasHeaders });
  },
};
