import type { Command } from '../command.ts';

export const zoneUnset: Command = {
  name: 'zone unset',
  summary: "take a zone's link out of the static directory",
  positionals: ['LINK'],
  description: `Removes LINK's file from the static zone directory. A running daemon takes the
zone's network away at once, unless another zone directory knows the link.`,
  exitCodes: [
    [0, 'it has no file now; there may have been none'],
    [1, 'failed'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file is wrong'],
  ],
  examples: ['protect-network zone unset vif7.0'],
  async run(args) {
    const { unsetZone } = await import('../zone.ts');
    const { 0: link = '' } = args.positionals;
    return unsetZone(args.paths, link);
  },
};
