import type { Command } from '../command.ts';

export const zoneUnset: Command = {
  name: 'zone unset',
  aliases: ['zone rm', 'zone remove', 'zone delete'],
  summary: "remove a zone's link from the static directory",
  positionals: ['LINK|NAME'],
  description: `Removes the link's file from the static zone directory. A running daemon removes the
zone's network at once, unless another zone directory knows the link.`,
  exitCodes: [
    [0, 'it has no file now; there may have been none'],
    [1, 'failed'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file is wrong'],
  ],
  examples: ['protect-network zone unset vif7.0', 'protect-network zone unset web'],
  async run(args) {
    const { unsetZone } = await import('../zone.ts');
    const { 0: link = '' } = args.positionals;
    return unsetZone(args.paths, link);
  },
};
