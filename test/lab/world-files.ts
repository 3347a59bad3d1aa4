/** The world's directory: both settings files, policies, the static zone directory, the control socket. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { zoneSubnet } from './addresses.ts';

/** One static zone file; an undefined key is left out. */
export interface ZoneFile {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly name?: string | undefined;
}

/** Our settings by section, kebab-case as in the file: `{ isolation: { 'zone-to-zone': 'deny' } }`. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export class WorldFiles {
  readonly directory: string;
  readonly config: string;
  readonly settings: string;
  readonly zones: string;
  readonly policies: string;
  readonly socket: string;
  #drafts = 0;

  constructor(directory: string) {
    this.directory = directory;
    this.config = join(directory, 'daemon.toml');
    this.settings = join(directory, 'protect-network.toml');
    this.zones = join(directory, 'zones.d');
    this.policies = join(directory, 'policy.d');
    this.socket = join(directory, 'control.sock');
  }

  /** What every command of ours needs to find this world. */
  get options(): string[] {
    return ['--config', this.config, '--settings', this.settings];
  }

  async writeDefaults(): Promise<void> {
    await mkdir(this.zones, { recursive: true });
    const subnets = { ipv4: { subnet: zoneSubnet.ipv4.text }, ipv6: { subnet: zoneSubnet.ipv6.text } };
    await Promise.all([this.writeConfig(stringify({ network: subnets })), this.writeSettings({})]);
  }

  /** Edera's daemon.toml, verbatim. */
  writeConfig(text: string): Promise<void> {
    return this.#replace(this.config, text);
  }

  /** Our settings: what keeps the program inside this world, and `overrides` key by key over that. Version 0.1.0 knows no policies. */
  writeSettings(overrides: Settings, knowsPolicies = true): Promise<void> {
    const merged: Record<string, unknown> = {
      ...overrides,
      zones: { directories: ['static'], 'static-dir': this.zones, ...overrides['zones'] },
      ...(knowsPolicies ? { policy: { dir: this.policies, ...overrides['policy'] } } : {}),
      control: { socket: this.socket, ...overrides['control'] },
    };
    return this.#replace(this.settings, stringify(merged));
  }

  /** A policy file, verbatim; its directory is made where there is none. */
  async writePolicy(name: string, text: string): Promise<void> {
    await mkdir(this.policies, { recursive: true });
    await this.#replace(join(this.policies, name), text);
  }

  writeZone(link: string, file: ZoneFile): Promise<void> {
    const entries = Object.entries(file).filter(([, value]) => value !== undefined);
    return this.writeZoneText(link, stringify(Object.fromEntries(entries)));
  }

  /** A zone file with any content, for what must be refused. */
  writeZoneText(link: string, text: string): Promise<void> {
    return this.#replace(this.#zonePath(link), text);
  }

  removeZone(link: string): Promise<void> {
    return rm(this.#zonePath(link), { force: true });
  }

  #zonePath(link: string): string {
    return join(this.zones, `${link}.toml`);
  }

  /** Atomic: readers see the old text or the new one. The draft lies outside the static directory, which is watched. */
  async #replace(path: string, text: string): Promise<void> {
    this.#drafts += 1;
    const draft = join(this.directory, `draft-${this.#drafts}`);
    await writeFile(draft, text);
    await rename(draft, path);
  }
}
