import type { Command } from '../command.ts';

export const zoneList: Command = {
  name: 'zone list',
  summary: 'list the static directory',
  description: `Prints what the files of the static zone directory say, and which of them cannot be
used and why. What the daemon made of it, and of the other zone directories, is in
'protect-network status'.`,
  options: { json: { help: 'print the list as JSON' } },
  exitCodes: [
    [0, 'printed'],
    [2, 'the command line is wrong'],
    [77, 'the directory may not be read'],
    [78, 'a settings file is wrong, or the directory cannot be read'],
  ],
  examples: ['protect-network zone list', 'protect-network zone list --json | jq -r .zones[].link'],
  async run(args) {
    const { listZones } = await import('../zone-list.ts');
    return listZones(args.paths, { json: args.has('json') });
  },
};
