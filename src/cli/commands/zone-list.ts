import type { Command } from '../command.ts';
import { formatOf, listOptions } from '../listing.ts';

export const zoneList: Command = {
  name: 'zone list',
  aliases: ['zone ls'],
  summary: 'list the static directory',
  description: `Prints the zones in the static zone directory with the state of each link, and
which files cannot be used and why. What the daemon serves, from this and the other
zone directories, is in 'protect-network status'.`,
  options: listOptions('print the list as JSON', 'links'),
  exitCodes: [
    [0, 'printed'],
    [2, 'the command line is wrong'],
    [77, 'not permitted to read the directory'],
    [78, 'a settings file is wrong, or the directory cannot be read'],
  ],
  examples: ['protect-network zone list', 'protect-network zone list --json | jq -r .zones[].link'],
  async run(args) {
    const { listZones } = await import('../zone-list.ts');
    return listZones(args.paths, { format: formatOf(args), hasHeaders: !args.has('no-headers') });
  },
};
