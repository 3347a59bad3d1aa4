/** Who else could have written what decides about zones. */
import { whyNotTrusted } from '../../config/read-file.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import type { FileFacts, FileRole, Snapshot } from '../snapshot.ts';

function judgeWarning(text: string): Judgement {
  if (!text.includes('does not exist')) return warning(text, 'it is probably not meant', 'protect-network check');
  const why = "on an Edera host that file has the zones' subnets; any other host needs it for other subnets only";
  return warning(text, why, "nothing, where these are the zones' subnets");
}

export function checkConfiguration({ config, configProblem, files }: Snapshot): Judgement[] {
  if (config !== undefined) {
    return [ok('both settings files can be read'), ...config.warnings.map(judgeWarning)];
  }
  const why =
    'the daemon does not start with it, and a running one stays with what it read before; much of the rest cannot be looked at';
  const settings = files.find(({ role }) => role === 'settings');
  const isDistrusted = settings !== undefined && distrustOf(settings) !== undefined;
  const fix = isDistrusted ? restricted(settings) : 'correct it; protect-network check says whether it is right';
  return [bad(configProblem ?? 'a settings file cannot be read', why, fix)];
}

/** The settings are judged with their content. */
const consequences: Partial<Record<FileRole, string>> = {
  'daemon.toml': "it decides which addresses are zones'",
  'static-dir': 'it decides whose address is whose; none of its files is used like this',
  zone: 'it decides whose address is whose; its zone gets nothing like this',
  socket: 'it tells everything about the zones of this host',
  'socket-dir': 'somebody else could put a socket of his own into its place',
};
/** Files that are used all the same. */
const lenient: ReadonlySet<FileRole> = new Set<FileRole>(['daemon.toml', 'socket', 'socket-dir']);

export function checkFiles({ files }: Snapshot): Judgement[] {
  const judged = files.flatMap((file) => {
    const distrust = distrustOf(file);
    const why = consequences[file.role];
    if (distrust === undefined || why === undefined) return [];
    return [(lenient.has(file.role) ? warning : bad)(`${file.path}: ${distrust}`, why, restricted(file))];
  });
  return judged.length > 0 ? judged : [ok('nobody but root can write the files that decide about zones')];
}

function restricted({ role, path }: FileFacts): string {
  return `chown -h root ${path} && chmod ${role === 'socket' ? '0600' : 'go-w'} ${path}`;
}

export function distrustOf({ role, stats, linkDistrust }: FileFacts): string | undefined {
  if (linkDistrust !== undefined) return linkDistrust;
  const distrust = whyNotTrusted(stats);
  if (distrust !== undefined || role !== 'socket' || (stats.mode & 0o077n) === 0n) return distrust;
  return 'others than root may ask it; expected mode 0600';
}
