/** What keeps a change of the static directory from having an effect now. */
import type { Settings } from '../config/settings.ts';
import { linkNames } from '../host/link-names.ts';
import { findLockHolder } from '../host/network-lock.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { warn } from './terminal.ts';

/** Named in a note, at most. */
const maxLinks = 5;

/** Throws `usage` for a name by which people would take one zone for another. */
export function refuseLinkAsName(name: string | undefined): void {
  if (name === undefined || parseLinkName(name) === undefined) return;
  throw new ProtectNetworkError(
    'usage',
    `--name is '${name}', which is how a zone's link is named; choose another name`,
  );
}

/** Said after the change: it is written all the same. */
export async function warnOfNoEffect({ zones }: Settings): Promise<void> {
  if (!zones.directories.includes('static')) {
    warn('warning: the daemon does not read this directory: "static" is not among zones.directories');
  } else if ((await findLockHolder())?.kind !== 'daemon') {
    warn(
      'warning: protect-network is not running, so this is not applied; start it with: systemctl start protect-network',
    );
  }
}

/** A zone may be given its addresses before it is started; a slip in the link's number looks the same. */
export function noteMissingLink(link: LinkName): void {
  const names = linkNames();
  if (names.has(link)) return;
  const here = [...names].filter((name) => parseLinkName(name) !== undefined).sort();
  const shown = here.slice(0, maxLinks).join(', ') + (here.length > maxLinks ? ', …' : '');
  const others = here.length === 0 ? '' : ` (its zone links: ${shown})`;
  warn(`note: this host has no link ${link} now${others}; it is served when it appears`);
}
