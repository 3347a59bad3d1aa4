import type { Command } from '../command.ts';

export const report: Command = {
  name: 'report',
  summary: 'gather everything for support in one archive',
  description: `Writes protect-network-report-HOST-TIME.tar.gz into the current directory, readable by
root only: versions, facts of the host, status, doctor, plan, why each failing zone
fails, rulesets, routes, rules, sysctls, links, network links in xenstore, our settings,
policies and zone files, and the journal of the last hour. Prints what is in it first.
A part that cannot be read is a line in CONTENTS.txt. Sends nothing anywhere, and
changes nothing else on this host. It works with and without a running daemon.

With --redact, addresses, MAC addresses, UUIDs and the names of hosts, zones and domains
are replaced, each by the same pseudonym everywhere; a subnet stays one, and private
addresses stay private. Link names stay. Keys, serial numbers and Edera's settings
are never in a report.`,
  options: {
    redact: { help: 'replace addresses and names by pseudonyms' },
    output: { value: 'PATH', help: 'another file, which must not exist, or a directory' },
  },
  exitCodes: [
    [0, 'written, even if some parts could not be read'],
    [1, 'not written: the file exists, or the disk is full'],
    [2, 'the command line is wrong'],
    [77, 'not permitted; it needs root'],
  ],
  examples: [
    'protect-network report',
    'protect-network report --redact --output /root',
    "tar -xOf protect-network-report-dom0-20260301T120005Z.tar.gz --wildcards '*/doctor.txt'",
  ],
  async run(args) {
    const { makeReport } = await import('../report.ts');
    return makeReport(args.paths, { output: args.text('output'), redact: args.has('redact') });
  },
};
