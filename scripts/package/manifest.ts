/** What the packages hold, below their prefix (`/usr` in a Debian package), and where each file comes from. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { commands } from '../../src/cli/commands/index.ts';
import { version } from '../../src/cli/version.ts';
import { pageFiles } from '../../src/control/web.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { jsonSchemas } from './json-schemas.ts';
import { programPage } from './man-program.ts';
import { settingsPage } from './man-settings.ts';

export interface Entry {
  /** Below the prefix. */
  readonly to: string;
  /** An absolute path, or the content itself. */
  readonly from: string | { readonly text: string | Uint8Array };
  readonly executable?: boolean;
}

/** `bundle` is the directory with what `bundle()` wrote; `time`, in seconds since 1970, is the man pages' date. */
export function manifest(root: string, bundle: string, time: number): Entry[] {
  const node = dirname(createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`));
  const lib = (name: string) => ({ to: `lib/protect-network/${name}`, from: join(bundle, name) });
  return [
    { to: 'sbin/protect-network', from: join(root, 'scripts/package/launcher'), executable: true },
    { to: 'lib/protect-network/node', from: join(node, 'bin/node'), executable: true },
    lib('start.cjs'),
    lib('protect-network.cjs'),
    lib('protect-network.cjs.cache'),
    lib('host-facts.cjs'),
    ...Object.keys(pageFiles).map((name) => lib(`page/${name}`)),
    ...Object.entries(fromSystemd).map(([name, to]) => ({ to, from: join(root, 'systemd', name) })),
    ...['bird.conf', 'bird-two-uplinks.conf', 'bird-router.conf'].map((name) => {
      return { to: `share/doc/protect-network/examples/${name}`, from: join(root, 'examples', name) };
    }),
    ...manPages(root, time),
    ...Object.entries(jsonSchemas(settingsExample(root))).map(([name, text]) => {
      return { to: `share/protect-network/${name}.schema.json`, from: { text } };
    }),
    { to: 'share/bash-completion/completions/protect-network', from: { text: bashCompletion(commands) } },
    { to: 'share/zsh/vendor-completions/_protect-network', from: { text: zshCompletion(commands) } },
    { to: 'share/fish/vendor_completions.d/protect-network.fish', from: { text: fishCompletion(commands) } },
    { to: 'share/doc/protect-network/copyright', from: { text: copyright } },
    { to: 'share/doc/protect-network/third-party/packages.txt', from: join(bundle, 'LICENCES') },
    { to: 'share/doc/protect-network/third-party/node.txt', from: join(node, 'LICENSE') },
    ...['alerts.yaml', 'dashboard.json'].map((name) => {
      return { to: `share/protect-network/monitoring/${name}`, from: join(root, 'monitoring', name) };
    }),
    ...['CHANGELOG.md', 'SECURITY.md', ...operatorDocs(root)].map((name) => {
      return { to: `share/doc/protect-network/${name}`, from: join(root, name) };
    }),
  ].filter(({ from }) => typeof from !== 'string' || existsSync(from));
}

/** What in `docs` is for developers, and not installed; README.md leads to it. */
const forDevelopers: ReadonlySet<string> = new Set([
  'benchmarks.json',
  'benchmarks.md',
  'cost-per-packet.svg',
  'latency.svg',
  'performance.md',
  'xen-timeline.json',
  'xen-timeline.svg',
]);

/** Operators' pages and their pictures, below `root`. */
export function operatorDocs(root: string): string[] {
  const names = readdirSync(join(root, 'docs')).filter((name) => !forDevelopers.has(name));
  return names.map((name) => `docs/${name}`);
}

/** Where what stands in `systemd/` is installed; what is not there yet is left out. */
const fromSystemd: Readonly<Record<string, string>> = {
  'protect-network.service': 'lib/systemd/system/protect-network.service',
  'protect-network-dns.service': 'lib/systemd/system/protect-network-dns.service',
  'protect-network-dns.sysusers.conf': 'lib/sysusers.d/protect-network-dns.conf',
  '05-protect-network.network': 'lib/systemd/network/05-protect-network.network',
  '05-protect-network.networkmanager.conf': 'lib/NetworkManager/conf.d/05-protect-network.conf',
  '60-protect-network.sysctl.conf': 'lib/sysctl.d/60-protect-network.conf',
  'protect-network.toml.example': 'share/doc/protect-network/examples/protect-network.toml',
  'vif7.0.toml.example': 'share/doc/protect-network/examples/vif7.0.toml',
  'policy.toml.example': 'share/doc/protect-network/examples/policy.toml',
  'metrics-listen.conf': 'share/doc/protect-network/examples/metrics-listen.conf',
};

/** `time`: seconds since 1970. */
export function manPages(root: string, time: number): Entry[] {
  const example = settingsExample(root);
  return [
    { to: 'share/man/man8/protect-network.8', from: { text: programPage(commands, { version, time }) } },
    { to: 'share/man/man5/protect-network.toml.5', from: { text: settingsPage(example, { version, time }) } },
  ];
}

function settingsExample(root: string): string {
  return readFileSync(join(root, 'systemd/protect-network.toml.example'), 'utf8');
}

const copyright = `protect-network is licensed under the Apache License 2.0; on Debian systems its text is in
/usr/share/common-licenses/Apache-2.0.

Copyright 2026 the protect-network developers

The licences of the packages that are part of /usr/lib/protect-network/protect-network.cjs, and of Node, which is
/usr/lib/protect-network/node, are in /usr/share/doc/protect-network/third-party.
`;
