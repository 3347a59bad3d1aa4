/** protect-network(8), made from the table of commands. Pure. */
import { type Command, commonOptions, defaultPaths, type Option } from '../../src/cli/command.ts';
import { exitCodes } from '../../src/cli/help.ts';
import { defaultSettings } from '../../src/config/settings-schema.ts';
import type { PageOptions } from './man-settings.ts';
import { item, prose, roff, section, subsection, titleLine, verbatim } from './roff.ts';

export function programPage(commands: readonly Command[], { version, time }: PageOptions): string {
  const parts = [
    titleLine('PROTECT\\-NETWORK', 8, version, time),
    section('NAME', 'protect\\-network \\- connect Xen zones (vif links) to the network on a dom0'),
    section('SYNOPSIS', commands.map(synopsis).join('\n.br\n')),
    section('DESCRIPTION', ...description.map(prose)),
    section('COMMANDS', ...commands.map(commandSection)),
    section('OPTIONS', prose('Every command takes these, before or behind its name.'), ...optionItems(commonOptions)),
    item('--version', prose('print the version and exit')),
    section('EXIT STATUS', ...exitCodes.map(([code, meaning]) => item(code, prose(meaning)))),
    section('SIGNALS', ...signals.map(([name, meaning]) => item(name, prose(meaning)))),
    section('FILES', ...files.map(([path, meaning]) => item(path, prose(meaning)))),
    section(
      'ENVIRONMENT',
      prose(
        'Read are NO_COLOR and TERM=dumb, for colours, and what systemd(1) passes for sd_notify(3). Nothing else is.',
      ),
    ),
    section('SEE ALSO', seeAlso),
  ];
  return `${parts.join('\n')}\n`;
}

const description = [
  `The links of zones, which are called \`vif\`DOMID\`.\`DEVID, appear on dom0 when a zone starts. For each of them the
  daemon, \`protect-network run\`, adds host routes for the zone's addresses, answers ARP and NDP for its gateway, lets
  its traffic through the forwarding firewall, masquerades what leaves the zones' subnet, and drops what comes under an
  address that is not the zone's. It keeps that in place while the zone runs, and removes it when the zone goes.`,
  `Which address belongs to which link it learns from zone directories: Edera's control API, xenstore, and static files
  written by \`protect-network zone set\`. A link that none of them knows gets no network.`,
  `Stopping, restarting and upgrading the daemon does not interrupt traffic. \`protect-network cleanup\` removes
  everything of it from the host.`,
  `When a zone has no network: \`protect-network status\` says what the daemon knows, \`protect-network explain\` why a
  packet does not pass, \`protect-network doctor\` what is wrong with this host, and \`protect-network logs\` what
  happened.`,
];

function synopsis({ name, positionals = [] }: Command): string {
  const words = positionals.map((word) => `\\fI${roff(word)}\\fR`);
  return [`\\fBprotect\\-network ${roff(name)}\\fR`, ...words, '[\\fIOPTIONS\\fR]'].join(' ');
}

function commandSection({ name, positionals = [], description, options = {}, exitCodes, examples }: Command): string {
  return subsection(
    [name, ...positionals].join(' '),
    prose(description),
    ...optionItems(options),
    prose('Exit status:'),
    ...exitCodes.map(([code, meaning]) => item(String(code), prose(meaning))),
    prose(examples.length === 1 ? 'Example:' : 'Examples:'),
    verbatim(examples.join('\n')),
  );
}

function optionItems(options: Readonly<Record<string, Option>>): string[] {
  return Object.entries(options).map(([name, { value, short, help }]) => {
    const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
    return item(value === undefined ? names : `${names} ${value}`, prose(help));
  });
}

const signals = [
  ['SIGTERM, SIGINT', 'The daemon ends. Routes and rules stay as they are.'],
  ['SIGHUP', 'The daemon reads its settings again, as `systemctl reload protect-network` has it do.'],
] as const;

const files = [
  [defaultPaths.settings, 'Our settings, optional. See `protect-network.toml`(5).'],
  [defaultPaths.config, "Edera's settings, of which only the zones' subnets are read."],
  [defaultSettings.zones.staticDir, 'Static zones, one file for each link.'],
  [
    defaultSettings.control.socket,
    'Where the daemon answers, by HTTP: GET /v1/status (JSON), GET /metrics (OpenMetrics), GET /healthz. For root only.',
  ],
  ['/usr/share/doc/protect-network', 'Documentation for operators, to be begun with docs/README.md; examples.'],
  [
    '/usr/share/protect-network',
    'JSON schemas of the settings, policies and zone files, for editors; alert rules for Prometheus, a dashboard for Grafana.',
  ],
] as const;

const seeAlso = ['protect-network.toml(5)', 'nft(8)', 'ip(8)', 'journalctl(1)', 'xl.cfg(5)']
  .map((page) => page.replace(/^(.+)(\(\d\))$/, (_, name: string, number: string) => `\\fB${roff(name)}\\fR${number}`))
  .join(',\n');
