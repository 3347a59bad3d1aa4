import type { Command } from '../command.ts';
import { dataFormatOf, dataOptions } from '../listing.ts';

export const zoneShow: Command = {
  name: 'zone show',
  aliases: ['zone info'],
  summary: 'show everything about one zone',
  positionals: ['LINK|NAME'],
  description: `Prints on one screen what is known of a zone: its addresses, which directory says so,
its state and why, what it sends and receives, what of that was dropped, its policies
and what is open by names now, its largest connections, its routes, the rules that name
its link, its neighbours, what explain says of a packet to the uplink's gateway, and the
last lines of the log about it. Each of these that cannot be had is a line that says
why; without a running daemon, what the kernel and the files say. Changes nothing.`,
  options: dataOptions('print everything as JSON'),
  exitCodes: [
    [0, 'printed'],
    [1, 'there is no such zone'],
    [2, 'the command line is wrong, or several zones have the name'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file or a policy is wrong'],
  ],
  examples: [
    'protect-network zone show web',
    "protect-network zone show vif7.0 --json | jq '.connections.flows[].peer'",
  ],
  async run(args) {
    const { showZone } = await import('../zone-show.ts');
    return showZone(args.paths, args.positionals[0] ?? '', { data: dataFormatOf(args), noColor: args.has('no-color') });
  },
};
