import type { Command } from '../command.ts';
import { dataFormatOf, dataOptions } from '../listing.ts';

export const plan: Command = {
  name: 'plan',
  summary: 'show what the daemon would change now, and change nothing',
  description: `Reads the settings, the zone directories and the host, and prints every change
that would bring the host to the desired state. 'nothing to do' means that it is
there already. It works with and without a running daemon.`,
  options: dataOptions('print the plan as JSON'),
  exitCodes: [
    [0, 'printed, whether or not there is something to do'],
    [1, 'the host could not be read'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file is wrong'],
  ],
  examples: ['protect-network plan', 'protect-network plan --json | jq .'],
  async run(args) {
    const { showPlan } = await import('../plan.ts');
    return showPlan(args.paths, { data: dataFormatOf(args) });
  },
};
