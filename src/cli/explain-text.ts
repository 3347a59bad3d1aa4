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

export function reportLines(report: Report, paint: Paint): string[] {
  const [sign, words, tone] = verdicts[report.verdict];
  const lines = [`${paint(tone, sign)} ${paint('strong', `${report.packet}`)}: ${paint(tone, words)}`];
  if (report.verdict !== 'passes') lines.push(`  ${report.because}`, ...decision(report));
  for (const { title, steps } of report.sections) {
    lines.push('', `  ${paint('faint', title)}`, ...steps.flatMap((each) => stepLines(each, paint)));
  }
  if (report.facts !== null) {
    if (report.verdict === 'passes') lines.push('', `  ${paint('faint', zonesOwnAffair(report.facts))}`);
    lines.push(
      '',
      `  ${paint('faint', 'This assumes a new connection; established ones may go on where a new one may not.')}`,
    );
  }
  return lines;
}

/** This host is not to blame: the next place to look is the zone itself. */
function zonesOwnAffair({ input, source, destination }: Packet): string {
  const address = isZoneLink(input) ? source : destination;
  return `If it still does not work, check inside the zone: \`ip address\` must show ${address}, and \`ip route\` a default route.`;
}

/** Rule and remedy once more at the top: what one came for. */
function decision({ cause, decisive }: Report): string[] {
  const lines: string[] = [];
  if (cause !== null && decisive !== null) lines.push(`  so ${decisive.text}`);
  const rule = decisive?.rule;
  if (rule !== undefined) lines.push(`  ${rule.where}: ${rule.text}`);
  const fix = (cause ?? decisive)?.fix ?? [];
  return [...lines, ...fix.map((command) => `  fix: ${command}`)];
}

function stepLines(each: Step, paint: Paint): string[] {
  const [sign, tone] = signs[each.state];
  const more = [
    ...(each.details ?? []),
    ...(each.rule === undefined ? [] : [`${each.rule.where}: ${each.rule.text}`]),
    ...(each.state === 'good' ? [] : (each.fix ?? []).map((command) => `fix: ${command}`)),
  ];
  return [`  ${paint(tone, sign)} ${each.text}`, ...more.map((line) => `      ${paint('faint', line)}`)];
}
