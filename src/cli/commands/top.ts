import type { Command } from '../command.ts';
import { dataOptions, formatOf } from '../listing.ts';

export const top: Command = {
  name: 'top',
  summary: 'watch the zones and their traffic',
  description: `Shows the zones each second, with what they send and receive and what of theirs is
dropped; what fails is below. Arrow keys select a zone and Enter shows its page,
/ filters, s sorts, p pauses, ? lists all keys, q ends it. Columns that do not fit the
terminal are left out, names never. Where the output is no terminal, the status is
printed each second, with rates. 'status --watch' is the same.`,
  options: dataOptions('print the status each second, a line of JSON'),
  exitCodes: [
    [0, 'ended by a key or a signal'],
    [1, 'invalid answer'],
    [2, 'the command line is wrong'],
    [75, 'the daemon does not answer'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file, which names the socket, is wrong'],
  ],
  examples: ['protect-network top', `protect-network top --json | jq -c '.zones[] | {link, sent: .sent.bytes}'`],
  async run(args) {
    const { watchStatus } = await import('../top.ts');
    return watchStatus(args.paths.settings, {
      format: formatOf(args),
      hasHeaders: true,
      noColor: args.has('no-color'),
    });
  },
};
