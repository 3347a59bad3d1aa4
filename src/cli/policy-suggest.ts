/** `protect-network policy suggest`: the rules that would have allowed what a zone was denied, or would have been. */
import { fetchPolicy } from '../control/fetch-status.ts';
import type { ZonePolicy } from '../control/policy.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { type Suggestion, suggest } from '../policy/suggest.ts';
import { findControlSocket } from './control-socket.ts';
import { type DataFormat, printData } from './listing.ts';
import { print, printable } from './terminal.ts';
import { localTime } from './units.ts';

/** `zone` is a link or a name. Throws `usage` where there is no such zone. */
export async function suggestPolicy(
  settingsPath: string,
  zone: string,
  data: DataFormat | undefined,
): Promise<ExitCode> {
  const { zones } = await fetchPolicy(await findControlSocket(settingsPath), zone);
  const [first] = zones;
  if (first === undefined) {
    throw new ProtectNetworkError(
      'usage',
      `there is no zone ${JSON.stringify(zone)} on this host; see protect-network status`,
    );
  }
  const suggestions = suggest(zones.flatMap(({ denials }) => denials));
  const { policy } = first;
  if (data === undefined) await print(`${suggestionLines(first, zone, suggestions).join('\n')}\n`);
  else await printData({ zone, policy, suggestions }, data);
  return ExitCode.ok;
}

/** A file of policies, whole. */
export function suggestionLines(
  { policy, name, link }: Pick<ZonePolicy, 'policy' | 'name' | 'link'>,
  asked: string,
  suggestions: readonly Suggestion[],
): string[] {
  if (policy === 'none') return [`# Zone ${printable(asked)}: no policy is about it, and nothing is denied.`];
  const told = policy === 'audit' ? 'no rule allows yet, and passed' : 'was denied';
  const head = `# Zone ${printable(asked)} (${policy}): what ${told} since the daemon's start, as far as it is remembered.`;
  if (suggestions.length === 0) return [head, '# Nothing.'];
  const selector = name === null ? `links = [${JSON.stringify(link)}]` : `zones = [${JSON.stringify(name)}]`;
  return [
    head,
    '[[policy]]',
    selector,
    `egress.mode = "${policy === 'audit' ? 'audit' : 'enforce'}"`,
    'egress.allow = [',
    ...suggestions.map((suggestion) => printable(suggestionLine(suggestion))),
    ']',
  ];
}

function suggestionLine({ rule, private: isPrivate, obstacle, times, lastAt }: Suggestion): string {
  const quoted = JSON.stringify(rule);
  const entry = isPrivate ? `{ to = ${quoted}, private = true }` : quoted;
  const often = `${times === 1 ? 'once' : `${times} times`}, last ${localTime(lastAt)}`;
  if (obstacle !== null) return `  # ${quoted}: ${obstacle}; ${often}`;
  return `  ${entry},  # ${often}`;
}
