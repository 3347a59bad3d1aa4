import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';

export const explain: Command = {
  name: 'explain',
  summary: 'explain why a packet of a zone passes this host or does not',
  positionals: ['LINK|ADDRESS|NAME'],
  description: `Computes what this host would do with a packet from the zone, and with its answer:
zone directory, link, gateway, source check, policy rules and routes, every chain of
every table on the way, masquerade, and the route back. Names the rule, route or
setting that decides, and the fix. Sends nothing and changes nothing. Without --to,
an address on the internet stands for the outside. With --live dom0 pings both ends
and follows the zone's next packets to that destination with nft's trace for some
seconds, in a table of its own that is removed afterwards.`,
  options: {
    to: { value: 'ADDRESS[:PORT]', help: 'where the packet goes; with a port TCP, else an echo request' },
    from: { value: 'outside|ADDRESS', help: 'a packet to the zone, from outside or from ADDRESS' },
    udp: { help: 'UDP instead of TCP' },
    live: { help: 'also send and watch real packets' },
    seconds: { value: 'N', help: 'how long --live watches (default 10)' },
    json: { help: 'print everything as JSON' },
  },
  exitCodes: [
    [0, 'the packet and its answer pass this host'],
    [1, 'it does not pass, or that cannot be decided'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file is wrong'],
  ],
  examples: [
    'protect-network explain vif7.0 --to 198.51.100.10:443',
    'protect-network explain 10.75.0.3 --from outside',
    'protect-network explain vif7.0 --to 198.51.100.10 --live',
    "protect-network explain vif7.0 --json | jq -r '.[].because'",
  ],
  async run(args) {
    const { explainPacket } = await import('../explain.ts');
    const { 0: subject = '' } = args.positionals;
    if (args.text('seconds') !== undefined && !args.has('live')) {
      throw new ProtectNetworkError('usage', '--seconds needs --live');
    }
    return explainPacket(args.paths, {
      subject,
      to: args.text('to'),
      from: args.text('from'),
      udp: args.has('udp'),
      live: args.has('live') ? secondsOf(args.text('seconds') ?? '10') : undefined,
      json: args.has('json'),
      noColor: args.has('no-color'),
    });
  },
};

function secondsOf(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new ProtectNetworkError('usage', `--seconds is '${text}'; expected 1 to 999`);
  return Number(text);
}
