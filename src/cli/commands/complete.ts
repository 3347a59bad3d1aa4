import type { Command } from '../command.ts';

export const complete: Command = {
  name: 'complete',
  isHidden: true,
  summary: 'print what may stand in a place of the command line, for completions of shells',
  positionals: ['zones'],
  description: 'Prints the links and names of zones, a line each: those that no shell takes apart.',
  exitCodes: [[0, 'printed, or nothing is known']],
  examples: ['protect-network complete zones'],
  async run(args) {
    const { printZoneWords } = await import('../complete.ts');
    return printZoneWords(args.paths.settings);
  },
};
