/** What keeps a change of the static directory from having an effect now. */
import type { Settings } from '../config/settings.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import { createInspection } from '../host/index.ts';
import { linkNames } from '../host/link-names.ts';
import { findLockHolder } from '../host/network-lock.ts';
import { strangeLinkCalled } from '../lifecycle/strange-links.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { type Fault, sentenceOf } from '../model/fault.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { warn } from './terminal.ts';

/** Named in a note, at most. */
const maxLinks = 5;
const daemonLimitMs = 2000;

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

/** Throws `refused` for a guest's link that no zone directory can name. */
export async function refuseGuestsLink(name: string, settings: Settings): Promise<void> {
  const fault = linkNames().has(name) ? await guestsLink(name, settings) : undefined;
  if (fault !== undefined) throw new ProtectNetworkError('refused', `nothing written: ${sentenceOf(fault)}`);
}

/** The daemon also knows those that it has seen renamed. */
async function guestsLink(name: string, { control }: Settings): Promise<Fault | undefined> {
  const links = await createInspection().links();
  const known = strangeLinkCalled(
    name,
    links.map((link) => ({ ...link, name: link.ifname })),
  );
  if (known !== undefined) return known;
  try {
    const { faults = [] } = await fetchStatus(control.socket, daemonLimitMs);
    return faults.find((fault) => fault.links?.includes(name));
  } catch (error) {
    if (error instanceof ProtectNetworkError) return undefined;
    throw error;
  }
}

/** A zone may be given its addresses before it is started; a slip in the link's number looks the same. */
export async function noteMissingLink(link: LinkName, settings: Settings): Promise<void> {
  const names = linkNames();
  if (names.has(link)) return;
  const elsewhere = await guestsLink(link, settings);
  if (elsewhere !== undefined) return warn(`note: ${sentenceOf(elsewhere)}`);
  const here = [...names].filter((name) => parseLinkName(name) !== undefined).sort();
  const shown = here.slice(0, maxLinks).join(', ') + (here.length > maxLinks ? ', …' : '');
  const others = here.length === 0 ? '' : ` (its zone links: ${shown})`;
  warn(`note: this host has no link ${link} now${others}; it is served when it appears`);
}
