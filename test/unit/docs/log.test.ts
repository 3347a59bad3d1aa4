/** docs/log.md has every line that can be logged, and none that cannot. */
import { describe, expect, it } from 'vitest';
import { journalNames } from '../../../src/cli/log-line.ts';
import { read, rowsBelow } from '../../lab/markdown.ts';
import { argumentsOf, eventsLogged, logCalls, sentencesIn } from './log-templates.ts';
import { fits, holds } from './syntax.ts';

/** Messages that are made elsewhere than where they are logged; `makers` make them. */
const knownIndirect = [
  'cli/reload.ts error sentence',
  'cli/run.ts info summary(reconciler)',
  'lifecycle/reporter.ts warn line',
  'lifecycle/reporter.ts error quarrel.reason',
  'lifecycle/reporter.ts warn problem',
];

interface Maker {
  /** `reason`: behind the name of a link that has no network, and no line of its own. */
  readonly level: 'info' | 'warn' | 'error' | 'reason';
  /** Its texts are parts of sentences: `WHAT: WHY; fix: COMMAND`. */
  readonly inPieces?: boolean;
  /** What stands ahead of each sentence. */
  readonly before?: string;
  /** Texts of three words and more that are logged within another, or told by commands only. */
  readonly parts?: readonly string[];
}

/** A sentence that is new in one of these files makes this red: tell operators of it, or say that it is no line of the log. */
const makers: Readonly<Record<string, Maker>> = {
  'cli/log.ts': { level: 'warn' },
  'lifecycle/forgeries.ts': {
    level: 'warn',
    parts: ['no IPv6 address is assigned to this zone', "the zone's address is …"],
  },
  'lifecycle/quarrel.ts': { level: 'error', parts: ['another program (the kernel does not say which)'] },
  'lifecycle/host-problems.ts': { level: 'warn', inPieces: true, parts: ['ip link set lo up', 'nft add table …'] },
  'faults/settings.ts': {
    level: 'warn',
    inPieces: true,
    parts: [
      'sysctl -w net/ipv4/conf/all/rp_filter=0',
      'sysctl -w net/ipv4/conf/all/arp_ignore=0',
      'sysctl -w net/ipv6/conf/all/disable_ipv6=0',
      'our settings file',
    ],
  },
  'faults/subnets.ts': {
    level: 'warn',
    inPieces: true,
    parts: [
      "sed -i '/subnet/s|…|…|' …",
      '[network.…]\\nsubnet = "…"\\n',
      "mkdir -p … && printf '…' >> …",
      'outside it (…)',
      '… zones are',
      '…, … …',
    ],
  },
  'lifecycle/strange-links.ts': { level: 'warn' },
  'lifecycle/uplinks.ts': { level: 'warn', parts: ['an uplink appeared', 'an address came or went'] },
  'lifecycle/foreign-firewalls.ts': {
    level: 'warn',
    inPieces: true,
    parts: [
      "--add-rich-rule='rule family=… … address=… accept'",
      'nft insert rule … … … … \'"vif*"\' accept',
      '… && … # and where that table is loaded from, to make it permanent',
      'nft list ruleset',
      'nft list table …',
      'firewalld (chain … of table … …)',
      'the chain … of table … …',
      'to the outside',
      'to other zones',
    ],
  },
  'lifecycle/legacy-problems.ts': {
    level: 'warn',
    inPieces: true,
    parts: ['… -I FORWARD … vif+ -j ACCEPT', '… -S FORWARD'],
  },
  'host/sysctl-watch.ts': {
    level: 'warn',
    parts: ['more than … links, for which the limit of open files is too low (LimitNOFILE)'],
  },
  'config/directory-watch.ts': { level: 'warn' },
  'config/daemon-toml.ts': {
    level: 'warn',
    parts: [
      'the default subnets … and … are used',
      'a prefix such as "…", or "" to switch it off',
      'switches IPv4 off while IPv6 is off too; expected a subnet for at least one of them',
    ],
  },
  'config/load-settings.ts': { level: 'warn' },
  'config/uplink-names.ts': { level: 'warn', inPieces: true },
  'config/read-file.ts': {
    level: 'warn',
    parts: [
      'chown -h root … && chmod … …',
      'is a directory',
      'is a dangling symbolic link',
      'is not a regular file',
      'is larger than … bytes',
      'grew while it was read',
      'a symbolic link that is not followed',
      'the symbolic link is not trusted: …',
    ],
  },
  'directories/static/list-files.ts': { level: 'warn' },
  'directories/static/zone-file.ts': {
    level: 'warn',
    parts: [
      'its file is not used: …',
      'a name in quotes',
      'a name of 1 to 63 printable characters',
      'an address in quotes without a length, such as "…"',
      'is …; expected …',
      '…, or a list of them',
    ],
  },
  'directories/control-api/control-zone.ts': { level: 'warn', before: 'zone …: ', parts: ['(no usable id)', ': …: …'] },
  'directories/control-api/entries.ts': { level: 'warn' },
  'directories/xenstore/domain.ts': { level: 'warn' },
  'directories/xenstore/directory.ts': {
    level: 'warn',
    parts: ['looking again every second', 'next try in … ms', '…; next try in … ms', 'xenstored at …'],
  },
  'directories/xenstore/trust.ts': { level: 'warn' },
  'directories/xenstore/build-snapshot.ts': { level: 'warn' },
  'lifecycle/claims.ts': {
    level: 'reason',
    parts: ['what was found'],
  },
  'lifecycle/desired.ts': { level: 'reason', parts: ['found on the host at the start'] },
  'config/subnet.ts': {
    level: 'reason',
    parts: [
      'is not a prefix; expected "…/…"',
      'is not an … prefix; expected one such as "…", or "" to switch it off',
      'is too large (/…); expected a prefix of /… to /…',
      'is too small (/…); expected a prefix of /… to /…, as …',
      'it needs room for the network address, gateway, host and a zone',
      'overlaps the … range …; expected unicast addresses of your own',
      'unspecified, loopback and IPv4-mapped',
    ],
  },
};
/** Told with a place that stands apart from the words (toml-decode.ts). */
const unchecked = ['FILE:LINE:COLUMN: MISTAKE'];

interface Line {
  readonly level: string;
  readonly text: string;
}

const calls = logCalls();
const logged = calls.templates.map(({ level, text }) => ({ level, text }));
const made = Object.entries(makers).flatMap(([file, { level, before = '', parts = [], inPieces = false }]) =>
  sentencesIn(file)
    .filter((text) => !parts.includes(text))
    .map((text) => ({ file, level, text, framed: `${before}${text}`, inPieces })),
);
/** What the reconciler says of a pass that failed. */
const failed = argumentsOf('failed', 'lifecycle/reconciler.ts').map((what) => {
  return { level: 'error', text: `${what}: …; retrying in …` };
});
/** In files with much else: the sentences by their first words. */
const picked = [
  ['cli/run.ts', 'running: ', 'info'],
  ['directories/static/zone-file.ts', 'its file is not used', 'reason'],
  ['cli/reload.ts', 'part of the new configuration ', 'error'],
].flatMap(([file = '', start = '', level = '']) => {
  const texts = sentencesIn(file).filter((text) => text.startsWith(start));
  return texts.length > 0 ? texts.map((text) => ({ level, text })) : [{ level, text: `${start}(not in ${file})` }];
});
/** That say something all the same. */
const short = ['…; fix: …', '…:… says ……'];
/** A template of hardly any words fits everything and says nothing; nor does the frame of what failed. */
const known: Line[] = [
  ...logged,
  ...failed,
  ...picked,
  ...made.flatMap(({ level, text, framed, inPieces }) => [
    { level, text: inPieces ? `${text}…` : text },
    { level, text: framed },
  ]),
].filter(
  ({ text }) => (text.replaceAll(/[^a-z]/gi, '').length >= 5 || short.includes(text)) && text !== '…: …; retrying in …',
);

const { text: page } = read('docs/log.md');
const rows: Line[] = [
  ...rowsBelow(page, 'What the daemon does').map(([level = '', message = '']) => row(message, level)),
  ...rowsBelow(page, 'Warnings about the host').map(([message = '']) => row(message, 'warning')),
  ...rowsBelow(page, 'Entries of zone directories').map(([message = '']) => row(message, 'warning')),
  ...rowsBelow(page, 'Why a link has no network').map(([message = '']) => row(message, 'reason')),
];

describe('docs/log.md', () => {
  it.each([...logged, ...failed, ...picked])('tells of the line "$text" ($level)', ({ level, text }) => {
    expect(rows.filter((each) => each.level === level && fits(text, each.text))).not.toEqual([]);
  });

  it.each(made)('tells of "$text" of $file', ({ level, text, framed, inPieces }) => {
    const fitting = rows.filter((each) => {
      return inPieces ? holds(text, each.text) : fits(text, each.text) || fits(framed, each.text);
    });
    expect(fitting).not.toEqual([]);
    if (level !== 'reason') expect(fitting.map((each) => each.level)).toContain(level);
  });

  it.each(rows.filter(({ text }) => !unchecked.includes(text)))('"$text" ($level) can be logged', ({ level, text }) => {
    const fitting = known.filter((each) => fits(each.text, text));
    expect(fitting.map((each) => each.level)).toSatisfy((levels: string[]) => {
      return levels.includes(level) || (level === 'warn' && levels.includes('reason'));
    });
  });

  it('tells of each field and event by which the journal can be filtered', () => {
    const fields = rowsBelow(page, 'Filter with journalctl').map(([field = '']) => field.slice(1, -1));
    expect(fields).toEqual([...new Set(Object.values(journalNames))]);
    const [, events = ''] = /^Events: ([\s\S]*?)\n\n/m.exec(page) ?? [];
    const told = [...events.matchAll(/`([a-z-]+)`/g)].map(([, event]) => event);
    expect(told.sort()).toEqual(eventsLogged());
  });

  it('knows what may fail in a pass', () => expect(failed.length).toBeGreaterThan(2));

  it('has no message twice', () => {
    expect(new Set(rows.map(({ text }) => text)).size).toBe(rows.length);
  });

  it('knows where each message is made that is not made where it is logged', () => {
    expect(calls.indirect.sort()).toEqual(knownIndirect.toSorted());
  });

  it('has no part that there is not any more', () => {
    const stale = Object.entries(makers).flatMap(([file, { parts = [] }]) => {
      const present = sentencesIn(file);
      return parts.filter((part) => !present.includes(part));
    });
    expect(stale).toEqual([]);
  });

  it('has words for each row, in every column', () => {
    const cells = [...page.matchAll(/^\| (?!---)(.+) \|$/gm)].map(([, line = '']) => line.split(' | '));
    for (const line of cells) for (const cell of line) expect(cell.trim(), line.join()).not.toBe('');
  });
});

function row(cell: string, level: string): Line {
  return { text: cell.slice(1, -1).replaceAll('⏎', '\n'), level: level === 'warning' ? 'warn' : level };
}
