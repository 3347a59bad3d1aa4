import type { Command } from '../command.ts';
import { followsAsJson, listOptions } from '../listing.ts';

export const flows: Command = {
  name: 'flows',
  aliases: ['connections'],
  summary: 'show who zones talk to: connections now, or as they begin and end',
  positionals: ['[LINK|NAME]'],
  description: `Lists the tracked connections of all zones, or of one: with whom, by which name the
zone asked for it, at which port, how many bytes, for how long, and which rule of the
zone's policies lets it pass. DIR is out where the zone began it. Between two zones it
is one line, from the side of the zone that began it or that was asked for.
With -f, prints connections as they begin and end, until it is interrupted; if the
kernel cannot hand on all events, a line says how many are missing. The end is when the
kernel forgets a connection: of TCP two minutes after it was closed.
Bytes and ages are the kernel's, which counts only with the sysctls
net.netfilter.nf_conntrack_acct and nf_conntrack_timestamp set to 1, and only for
connections that begin from then on; where it does not, they are - and null.
Reads the kernel and the policy files, asks the daemon only for the zones' names, and
changes nothing.`,
  options: {
    follow: { short: 'f', help: 'print connections as they begin and end' },
    to: { value: 'ADDRESS|PREFIX|NAME', help: 'only with this other end; host is dom0 itself' },
    port: { value: 'PORT', help: 'only where this port was asked' },
    protocol: { value: 'PROTOCOL', words: ['tcp', 'udp', 'icmp'], help: 'only tcp, udp, icmp or a number' },
    direction: {
      value: 'in|out',
      words: ['in', 'out'],
      help: 'only those that begin at the zone (out), or elsewhere (in)',
    },
    ipv4: { short: '4', help: 'IPv4 only' },
    ipv6: { short: '6', help: 'IPv6 only' },
    sort: { value: 'KEY', words: ['bytes', 'age', 'zone', 'peer'], help: 'bytes (default), age, zone or peer' },
    limit: { short: 'n', value: 'NUMBER', help: 'at most this many (default 1000)' },
    ...listOptions('print them as JSON; with -f, an object a line'),
  },
  exitCodes: [
    [0, 'shown; there may have been none'],
    [1, 'there is no such zone, or the kernel does not tell'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
    [78, 'a settings file or a policy is wrong'],
  ],
  examples: [
    'protect-network flows',
    'protect-network flows web -f',
    'protect-network flows --to 203.0.113.0/24 --sort age',
    "protect-network flows web --json | jq -r '.flows[].peer.address'",
    `protect-network flows -f --json | jq -c 'select(.event == "end")'`,
  ],
  async run(args) {
    const { parseFlowOptions } = await import('../flow-options.ts');
    const options = parseFlowOptions(args);
    const { followFlows, listFlows } = await import('../flows.ts');
    if (!args.has('follow')) return listFlows(args.paths, options);
    return followFlows(args.paths, { ...options, json: followsAsJson(args) });
  },
};
