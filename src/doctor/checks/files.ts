/** Who else could have written what decides about zones. */
import { howToRestrict, whyNotTrusted } from '../../config/read-file.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import type { FileFacts, FileRole, Snapshot } from '../host-snapshot.ts';

function judgeWarning(text: string): Judgement {
  const { unusual } = findings.configuration;
  if (!text.includes('does not exist'))
    return fault(unusual, { warning: text }, 'this is probably unintended', 'protect-network check');
  const why = "on an Edera host that file has the zones' subnets; any other host needs it for other subnets only";
  return fault(unusual, { warning: text }, why, null);
}

export function checkConfiguration({ config, configProblem, files }: Snapshot): Judgement[] {
  if (config !== undefined && configProblem === undefined) {
    return [ok('settings files and policies can be read'), ...config.warnings.map(judgeWarning)];
  }
  const skipped = config === undefined ? '; many other checks are skipped' : '';
  const why = `the daemon does not start with it, and a running one keeps its previous configuration${skipped}`;
  const settings = files.find(({ role }) => role === 'settings');
  const isDistrusted = settings !== undefined && distrustOf(settings) !== undefined;
  const fix = isDistrusted ? restricted(settings) : 'protect-network check';
  const found = fault(findings.configuration.unreadable, {}, why, fix);
  return [configProblem === undefined ? found : { ...found, what: configProblem }];
}

/** The settings are judged with their content. */
const consequences: Partial<Record<FileRole, string>> = {
  'daemon.toml': 'it defines which addresses belong to zones',
  'static-dir': 'it assigns addresses to zones; none of its files is used until this is fixed',
  zone: 'it assigns addresses to a zone; the zone has no network until this is fixed',
  socket: 'it gives access to all data about the zones of this host',
  'socket-dir': 'another user could replace the socket with their own',
};
/** Files that are used all the same. */
const lenient: ReadonlySet<FileRole> = new Set<FileRole>(['daemon.toml', 'socket', 'socket-dir']);

export function checkFiles({ files, zones }: Snapshot): Judgement[] {
  const reasons = (zones?.zones ?? []).map(({ reason }) => reason ?? '');
  const judged = files.flatMap((file) => {
    const distrust = distrustOf(file);
    const why = consequences[file.role];
    if (distrust === undefined || why === undefined) return [];
    // Said with the zones that it leaves without network.
    if (reasons.some((reason) => reason.includes(`${file.path}: ${distrust}`))) return [];
    const level = lenient.has(file.role) ? 'warning' : 'bad';
    return [fault(findings.files.distrusted, { file: file.path, distrust }, level, why, restricted(file))];
  });
  return judged.length > 0 ? judged : [ok('only root can write the files that assign addresses to zones')];
}

function restricted({ role, path }: FileFacts): string {
  return howToRestrict(path, role === 'socket' ? '0600' : undefined);
}

export function distrustOf({ role, stats, linkDistrust }: FileFacts): string | undefined {
  if (linkDistrust !== undefined) return linkDistrust;
  const distrust = whyNotTrusted(stats);
  if (distrust !== undefined || role !== 'socket' || (stats.mode & 0o077n) === 0n) return distrust;
  return 'accessible by group or others; expected mode 0600';
}
