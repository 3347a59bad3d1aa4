/** The story on a terminal. Pure. */

import type { Step, StepState, Verdict } from '../explain/step.ts';
import type { Report } from '../explain/walk.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import type { Paint, Tone } from './paint.ts';

const signs: Readonly<Record<StepState, readonly [string, Tone]>> = {
  good: ['✓', 'good'],
  bad: ['✗', 'bad'],
  unknown: ['?', 'warning'],
  note: ['·', 'faint'],
};
const verdicts: Readonly<Record<Verdict, readonly [string, string, Tone]>> = {
  passes: ['✓', 'passes this host, and so does its answer', 'good'],
  blocked: ['✗', 'does not pass', 'bad'],
  undecided: ['?', 'cannot be decided', 'warning'],
};

/** `length` undefined: what passes in brief, what does not in full. */
export function explanationLines(
  reports: readonly Report[],
  length: 'brief' | 'full' | undefined,
  paint: Paint,
): string[] {
  const isBrief = ({ verdict }: Report) => length === 'brief' || (length === undefined && verdict === 'passes');
  const told = reports.map((report) => [
    ...verdictLines(report, paint),
    ...(isBrief(report) ? briefLines(report, paint) : fullLines(report, paint)),
  ]);
  // Two short ones are read as one.
  const gap = reports.every(isBrief) ? [] : [''];
  const lines = told.flatMap((each, index) => (index === 0 ? each : [...gap, ...each]));
  const last = closing(reports, reports.some(isBrief));
  return last.length === 0 ? lines : [...lines, '', ...last.map((line) => `  ${paint('faint', line)}`)];
}

function verdictLines(report: Report, paint: Paint): string[] {
  const [sign, words, tone] = verdicts[report.verdict];
  const first = `${paint(tone, sign)} ${paint('strong', `${report.packet}`)}: ${paint(tone, words)}`;
  return report.verdict === 'passes' ? [first] : [first, `  ${report.because}`, ...decision(report)];
}

/** What is worth knowing besides the verdict, where it leaves as whom, and what real packets showed. */
function briefLines({ sections, cause, decisive }: Report, paint: Paint): string[] {
  return sections.flatMap(({ title, steps }) =>
    steps
      .filter(
        (each) =>
          title === 'live' || (each !== cause && each !== decisive && each.state !== 'good') || brief.has(each.what),
      )
      .filter(({ what }) => !quiet.has(what))
      .flatMap(({ what, state, text, details = [] }) => [
        `  ${paint(signs[state][1], signs[state][0])} ${text}`,
        ...(what === 'redirection' ? details.map((line) => `      ${paint('faint', line)}`) : []),
      ]),
  );
}

/** Told although they are as they should be: as whom it leaves, where it is sent instead, and which rule of a policy allows it. */
const brief: ReadonlySet<string> = new Set(['masquerade', 'redirection', 'egress']);
/** True of nearly every packet. */
const quiet: ReadonlySet<string> = new Set(['beyond', 'neighbour', 'undecided']);

function fullLines({ sections }: Report, paint: Paint): string[] {
  return sections.flatMap(({ title, steps }) => [
    '',
    `  ${paint('faint', title)}`,
    ...steps.flatMap((each) => stepLines(each, paint)),
  ]);
}

/** Once, for all of them. */
function closing(reports: readonly Report[], isShortened: boolean): string[] {
  const passing = reports.flatMap(({ facts, verdict }) => (facts !== null && verdict === 'passes' ? [facts] : []));
  const isPacket = reports.some(({ facts }) => facts !== null);
  return [
    ...(passing.length === 0 ? [] : [zonesOwnAffair(passing)]),
    ...(isPacket ? ['This assumes a new connection; established ones may go on where a new one may not.'] : []),
    ...(isPacket && isShortened ? ['The whole way: --full'] : []),
  ];
}

/** This host is not to blame: the next place to look is the zone itself. */
function zonesOwnAffair(packets: readonly Packet[]): string {
  const addresses = packets.map(({ input, source, destination }) => (isZoneLink(input) ? source : destination));
  return `If it still does not work, check inside the zone: \`ip address\` must show ${addresses.join(' and ')}, and \`ip route\` a default route.`;
}

/** Rule and remedy once more at the top: what one came for. */
function decision({ cause, decisive }: Report): string[] {
  const lines: string[] = [];
  if (cause !== null && decisive !== null) lines.push(`  so ${decisive.text}`);
  const rule = decisive?.rule;
  if (rule !== undefined) lines.push(`  ${rule.where}: ${rule.text}`);
  const fix = (cause ?? decisive)?.fix ?? [];
  return [...lines, ...fix.flatMap(fixLines).map((line) => `  ${line}`)];
}

function stepLines(each: Step, paint: Paint): string[] {
  const [sign, tone] = signs[each.state];
  const more = [
    ...(each.details ?? []),
    ...(each.rule === undefined ? [] : [`${each.rule.where}: ${each.rule.text}`]),
    ...(each.state === 'good' ? [] : (each.fix ?? []).flatMap(fixLines)),
  ];
  return [`  ${paint(tone, sign)} ${each.text}`, ...more.map((line) => `      ${paint('faint', line)}`)];
}

/** A command, or text to add to a file, which has lines. */
export function fixLines(fix: string): string[] {
  return fix.split('\n').map((line, index) => `${index === 0 ? 'fix:' : '    '} ${line}`);
}
