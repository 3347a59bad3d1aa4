/** Makes the zone directories that the settings name, in their order. */
import type { Config } from '../config/config.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { LinkName } from '../model/link-name.ts';
import { ControlApiDirectory } from './control-api/directory.ts';
import { StaticDirectory } from './static/directory.ts';
import { XenstoreDirectory } from './xenstore/directory.ts';
import type { ZoneDirectory } from './zone-directory.ts';

/** `links` gives the zone links on the host now: the older control API names domains, not links. */
export function makeDirectories(config: Config, links: () => readonly LinkName[]): ZoneDirectory[] {
  const { zones } = config.settings;
  const makers: Record<DirectoryName, () => ZoneDirectory> = {
    'control-api': () => new ControlApiDirectory({ target: zones.controlApi, links }),
    xenstore: () => new XenstoreDirectory({ path: zones.xenstore ?? '' }),
    static: () => new StaticDirectory(zones.staticDir),
  };
  return zones.directories.map((name) => makers[name]());
}
