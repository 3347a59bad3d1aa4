/** protect-network.toml(5), made from the schema of the settings and the words of the example file. Pure. */
import { defaultPaths } from '../../src/cli/command.ts';
import { defaultSettings } from '../../src/config/settings-schema.ts';
import { item, prose, roff, section, subsection, titleLine, verbatim } from './roff.ts';
import { type SettingReference, settingsReference } from './settings-reference.ts';

export interface PageOptions {
  readonly version: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** `example`: the text of systemd/protect-network.toml.example. */
export function settingsPage(example: string, { version, time }: PageOptions): string {
  const tables = Map.groupBy(settingsReference(example), ({ table }) => table);
  const parts = [
    titleLine('PROTECT\\-NETWORK.TOML', 5, version, time),
    section('NAME', 'protect\\-network.toml \\- settings of protect\\-network(8)'),
    section('SYNOPSIS', `\\fB${roff(defaultPaths.settings)}\\fR`),
    section('DESCRIPTION', ...description.map(prose)),
    section('SETTINGS'),
    ...[...tables].map(([table, settings]) => subsection(`[${table}]`, ...settings.map(settingItem))),
    section(
      'EXAMPLE',
      prose('Zones may not reach each other, this host, or cloud metadata:'),
      verbatim(denyEverything),
    ),
    section('OTHER FILES', ...otherFiles),
    section('SEE ALSO', '\\fBprotect\\-network\\fR(8)'),
  ];
  return `${parts.join('\n')}\n`;
}

const description = [
  `TOML (https://toml.io). The file may be missing, and so may every setting. A table or key that is not listed here is
  refused, and so is a value that is not accepted: \`protect-network check\` names file, line and column.`,
  `The daemon reads the file when it starts, whenever it changes, and on \`systemctl reload protect-network\`. With a file
  that is refused it does not start; on a reload, the previous settings stay in force and the log says so.`,
  `The file must belong to root, and nobody else may be able to write it. A complete one, every setting at its
  default, is /usr/share/doc/protect\u2010network/examples/protect\u2010network.toml; the JSON schema for editors is
  /usr/share/protect\u2010network/settings.schema.json.`.replaceAll('\u2010', '-'),
];

function settingItem({ key, words, defaultText, accepts }: SettingReference): string {
  const takes = `Takes ${accepts}.`;
  if (!defaultText.includes('\n')) return item(`${key} = ${defaultText}`, prose(`${words} ${takes}`));
  return item(key, prose(`${words} ${takes} By default:`), verbatim(defaultText));
}

/** In a test, which has `check` read it. */
export const denyEverything = `[isolation]
zone-to-zone = "deny"
metadata = "deny"
host = "deny"`;

const otherFiles = [
  item(
    defaultPaths.config,
    prose("Edera's settings, read and never written by us. Two keys concern us, and every other is left alone:"),
    verbatim('[network.ipv4]\nsubnet = "10.75.0.0/16"\n[network.ipv6]\nsubnet = "fdd4:1476:6c7e::/48"'),
    prose(
      `These are also the defaults. An empty subnet switches the family off. The first two addresses of a subnet are the
      zones' gateway and this host's own.`,
    ),
  ),
  item(
    `${defaultSettings.zones.staticDir}/LINK.toml`,
    prose(
      'A static zone, as `protect-network zone set` writes it. At least one address, and at most 16 of each family, then as a list: `ipv4 = ["10.75.0.3", "10.75.0.4"]`. The name is for people:',
    ),
    verbatim('ipv4 = "10.75.0.3"\nipv6 = "fdd4:1476:6c7e::3"\nname = "web"'),
  ),
];
