import type { Command } from '../command.ts';

export const cleanup: Command = {
  name: 'cleanup',
  summary: 'remove everything of ours from the host: zones lose their network',
  description: `Removes the routes, neighbour proxy entries, chains and tables that the daemon
made, and nothing else; your rules in the chain user-input of our table go with it.
Stop the daemon first. Use it to remove the program from a host; an upgrade or a
restart does not need it. No settings file is read.`,
  options: { 'dry-run': { help: 'only print what would be removed' } },
  exitCodes: [
    [0, 'nothing of ours is left (or, with --dry-run, printed)'],
    [1, 'something could not be removed, or the daemon runs'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
  ],
  examples: ['protect-network cleanup --dry-run', 'systemctl stop protect-network && protect-network cleanup'],
  async run(args) {
    const { cleanUp } = await import('../cleanup.ts');
    return cleanUp({ dryRun: args.has('dry-run') });
  },
};
