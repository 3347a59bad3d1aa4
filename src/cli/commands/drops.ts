import type { Command } from '../command.ts';
import { followsAsJson, formatOf, listOptions } from '../listing.ts';

export const drops: Command = {
  name: 'drops',
  summary: 'show what of zones was dropped, and by which promise',
  positionals: ['[LINK|NAME]'],
  description: `Lists what was dropped of what zones sent, all or one: how many packets by which
promise, exactly, and the last one that the daemon was told of. Kinds are source (not
the zone's own address), unassigned, stray, error, flood, untranslated, denied (by
policy), limit and bandwidth; with -f also isolation (by the settings).
With -f, prints packets as they are dropped, until it is interrupted. What is printed
are samples: the kernel tells of a packet a second for each zone, of a destination that
a policy denies once a minute, and of 20 a second of each other kind but bandwidth; each
second a line says how many more were dropped, exactly. Of some kinds nothing is told
unless somebody asks: for these nftables traces packets by a table of the command's own,
edera-trace, which is removed afterwards. Nothing else is changed.`,
  options: {
    follow: { short: 'f', help: 'print packets as they are dropped' },
    kind: {
      value: 'KIND',
      words: [
        'source',
        'unassigned',
        'stray',
        'error',
        'flood',
        'untranslated',
        'denied',
        'limit',
        'bandwidth',
        'isolation',
      ],
      help: 'only of this kind',
    },
    ...listOptions('print them as JSON; with -f, an object a line'),
  },
  exitCodes: [
    [0, 'shown; nothing may have been dropped'],
    [1, 'there is no such zone, or the kernel does not tell'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file or a policy is wrong'],
  ],
  examples: [
    'protect-network drops',
    'protect-network drops web -f',
    'protect-network drops --json | jq \'.drops[] | select(.kind == "denied")\'',
  ],
  async run(args) {
    const { dropPromises } = await import('../drops-text.ts');
    const { oneOf } = await import('../flow-options.ts');
    const options = {
      zone: args.positionals[0],
      kind: oneOf(args.text('kind'), '--kind', dropPromises),
      format: formatOf(args),
      hasHeaders: !args.has('no-headers'),
      noColor: args.has('no-color'),
    };
    const { followDrops, listDrops } = await import('../drops.ts');
    if (!args.has('follow')) return listDrops(args.paths, options);
    return followDrops(args.paths, { ...options, json: followsAsJson(args) });
  },
};
