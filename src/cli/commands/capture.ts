import { ProtectNetworkError } from '../../model/errors.ts';
import type { Command } from '../command.ts';

export const capture: Command = {
  name: 'capture',
  summary: "record a zone's packets, and which of them this host drops",
  positionals: ['LINK|NAME', '[FILTER]'],
  description: `Writes a pcapng file for Wireshark and tcpdump with two interfaces: what arrives at the
zone's link and leaves by it, recorded by tcpdump, and the headers of what this host
dropped of it, each with a comment that says which chain did. Packets to and from the
zone that begin something, or have another source than the zone's, are traced by the
kernel for that, at most 100 of a kind in a second; nothing is traced otherwise, and
what is dropped at the ingress of a taken link is not seen. FILTER is one argument in
the language of pcap-filter(7), for both. Ends after --seconds, with --size, or with
Ctrl-C. tcpdump gives up root, and nothing else looks into the packets. While it runs,
the daemon counts forged and denied packets of this zone that are traced, but neither
logs them nor learns them for 'policy suggest'. Only one of capture, 'drops -f' and
'explain --live' runs at a time.`,
  options: {
    seconds: { value: 'N', help: 'how long, at most (default 60)' },
    size: { value: 'MB', help: 'how large the file may get (default 100)' },
    write: { value: 'PATH', help: "a file that does not exist yet, or '-' (default: in this directory)" },
  },
  exitCodes: [
    [0, 'written, maybe without a packet'],
    [1, 'there is no such zone, the file exists, or tcpdump refuses the filter'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'our settings file, which names the socket, is wrong'],
  ],
  examples: [
    'protect-network capture vif7.0',
    "protect-network capture web 'tcp port 443' --seconds 10 --write web.pcapng",
    'protect-network capture web --write - | wireshark -k -i -',
  ],
  async run(args) {
    const seconds = bounded('seconds', args.text('seconds') ?? '60', 86_400);
    const bytes = bounded('size', args.text('size') ?? '100', 10_000) * 1_000_000;
    const { 0: zone = '', 1: filter } = args.positionals;
    const { capturePackets } = await import('../capture.ts');
    return capturePackets(args.paths.settings, { zone, filter, seconds, bytes, write: args.text('write') });
  },
};

function bounded(option: string, text: string, most: number): number {
  if (/^[1-9]\d{0,5}$/.test(text) && Number(text) <= most) return Number(text);
  throw new ProtectNetworkError('usage', `--${option} is '${text}'; expected 1 to ${most}`);
}
