import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';
import { dataFormatOf, dataOptions } from '../listing.ts';

export const explain: Command = {
  name: 'explain',
  summary: 'explain why a packet of a zone passes this host or does not',
  positionals: ['LINK|ADDRESS|NAME'],
  description: `Computes what this host would do with a packet from the zone, and with its answer:
zone directory, link, gateway, source check, policy rules and routes, every chain of
every table on the way, masquerade, and the route back. Names the rule, route or
setting that decides, and the fix; of a policy the file and line, or the text to add.
Sends nothing and changes nothing. Without --to, an address on the internet stands
for the outside. --to and --from take zones by link, name or address, too. For a zone
that a policy is about, --to takes a name such as api.example.com:443 and explains
the addresses that the zone has asked for; it asks no resolver. What passes is told
in brief, all else in full.
With --live dom0 pings both ends and follows the zone's next packets to that
destination with nft's trace for some seconds, and hears as whom the zone asks for
its gateway, in tables of its own that are removed afterwards.`,
  options: {
    to: { value: 'ZONE|ADDRESS|NAME[:PORT]', help: 'where it goes; with a port TCP, else an echo request' },
    from: { value: 'outside|ZONE|ADDRESS', words: ['outside'], help: 'a packet to the zone instead of from it' },
    udp: { help: 'UDP instead of TCP' },
    ipv4: { short: '4', help: 'IPv4 only' },
    ipv6: { short: '6', help: 'IPv6 only' },
    brief: { help: 'the verdict and what decides it only' },
    full: { help: 'the whole way, also where the packet passes' },
    live: { help: 'also send and watch real packets' },
    seconds: { value: 'N', help: 'how long --live watches (default 10)' },
    ...dataOptions('print everything as JSON'),
  },
  exitCodes: [
    [0, 'the packet and its answer pass this host'],
    [1, 'it does not pass, or that cannot be decided'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file or a policy is wrong'],
  ],
  examples: [
    'protect-network explain vif7.0 --to 198.51.100.10:443',
    'protect-network explain vif7.0 --to api.example.com:443',
    'protect-network explain web --to db:5432',
    'protect-network explain 10.75.0.3 --from outside --full',
    "protect-network explain vif7.0 --to '[2001:db8::10]:443'",
    'protect-network explain vif7.0 --to 198.51.100.10 --live',
    "protect-network explain vif7.0 --json | jq -r '.[].because'",
  ],
  async run(args) {
    const { explainPacket } = await import('../explain.ts');
    const { 0: subject = '' } = args.positionals;
    if (args.text('seconds') !== undefined && !args.has('live')) {
      throw new ProtectNetworkError('usage', '--seconds needs --live');
    }
    if (args.has('brief') && args.has('full')) {
      throw new ProtectNetworkError('usage', '--brief and --full exclude each other');
    }
    const [to, from] = [args.text('to'), args.text('from')];
    return explainPacket(args.paths, {
      words: { subject, to, from, udp: args.has('udp'), ipv4: args.has('ipv4'), ipv6: args.has('ipv6') },
      length: args.has('brief') ? 'brief' : args.has('full') ? 'full' : undefined,
      live: args.has('live') ? secondsOf(args.text('seconds') ?? '10') : undefined,
      data: dataFormatOf(args),
      noColor: args.has('no-color'),
    });
  },
};

function secondsOf(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new ProtectNetworkError('usage', `--seconds is '${text}'; expected 1 to 999`);
  return Number(text);
}
