import type { Command } from '../command.ts';

export const zoneSet: Command = {
  name: 'zone set',
  summary: "give a zone's link its addresses in the static directory",
  positionals: ['LINK|NAME'],
  description: `Writes the link's file in the static zone directory; a running daemon reads it at
once. What is not given stays as it is; the value 'none' removes it. A zone needs at
least one address, inside the zone subnet and, in a fleet, this host's part of it, that
no other zone has. 'auto' is the lowest one that no zone directory gives and no route
leads to; a link that has a usable one keeps it.`,
  options: {
    ipv4: {
      value: 'ADDRESS',
      words: ['auto', 'none'],
      repeats: true,
      help: "its IPv4 address, such as 10.75.0.3, 'auto' or 'none'; once for each",
    },
    ipv6: {
      value: 'ADDRESS',
      words: ['auto', 'none'],
      repeats: true,
      help: "its IPv6 address, such as fdd4:1476:6c7e::3, 'auto' or 'none'",
    },
    name: { value: 'NAME', words: ['none'], help: "a display name, or 'none'" },
  },
  exitCodes: [
    [0, 'written'],
    [1, 'refused: outside the subnet, reserved, or another zone has it; nothing was written'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file is wrong'],
  ],
  examples: [
    'protect-network zone set vif7.0 --ipv4 10.75.0.3',
    'protect-network zone set vif7.0 --ipv4 auto --ipv6 auto --name web',
    'protect-network zone set vif7.0 --ipv4 10.75.0.3 --ipv6 fdd4:1476:6c7e::3 --name web',
    'protect-network zone set vif7.0 --ipv4 10.75.0.3 --ipv4 10.75.0.4',
    'protect-network zone set web --ipv6 none',
  ],
  async run(args) {
    const { setZone } = await import('../zone.ts');
    const { 0: link = '' } = args.positionals;
    return setZone(args.paths, link, { ipv4: args.texts('ipv4'), ipv6: args.texts('ipv6'), name: args.text('name') });
  },
};
