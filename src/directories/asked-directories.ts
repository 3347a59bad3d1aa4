/** The zone directories in force: made from the configuration, replaced with it, asked together. */
import type { Config } from '../config/config.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { LinkName } from '../model/link-name.ts';
import type { AskedDirectory, ZoneDirectory } from './zone-directory.ts';

/** `links` gives the zone links on the host at any time. */
export type MakeDirectories = (config: Config, links: () => readonly LinkName[]) => ZoneDirectory[];

export interface AskedDirectoriesOptions {
  readonly config: Config;
  readonly make: MakeDirectories;
  readonly links: () => readonly LinkName[];
  /** Something new can be read from them; `what` says which of them did what. */
  readonly news: (what: string) => void;
  /** One could not be started, by a mistake of ours: what can be foreseen is its state. */
  readonly failed: (name: DirectoryName, error: unknown) => void;
}

export class AskedDirectories {
  readonly #options: AskedDirectoriesOptions;
  #zonesSettings: string;
  /** Since they were started. */
  #areAsked = false;
  list: readonly ZoneDirectory[];

  constructor(options: AskedDirectoriesOptions) {
    this.#options = options;
    this.#zonesSettings = zonesSettings(options.config);
    this.list = options.make(options.config, options.links);
  }

  /**
   * Resolves when each has answered once or has said why it cannot. A pass is due anyway: until it has asked, nothing that
   * they say is news. Never rejects: nobody may be waiting any more.
   */
  async start(): Promise<void> {
    this.#areAsked = false;
    const start = async (directory: ZoneDirectory) => {
      const news = (verb: string) => {
        if (this.#areAsked) this.#options.news(`zone directory ${directory.name} ${verb}`);
      };
      try {
        await directory.start(() => news('changed'));
        news('answered');
      } catch (error) {
        this.#options.failed(directory.name, error);
      }
    };
    await Promise.all(this.list.map(start));
  }

  /** New ones where the settings name others; what the old ones said holds until the new ones have answered. */
  async reload(config: Config): Promise<void> {
    if (zonesSettings(config) === this.#zonesSettings) return;
    const before = this.list;
    this.#zonesSettings = zonesSettings(config);
    this.list = this.#options.make(config, this.#options.links);
    await this.start();
    await Promise.all(before.map((directory) => directory.stop()));
  }

  ask(): AskedDirectory[] {
    this.#areAsked = true;
    return this.list.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() }));
  }

  linksChanged(): void {
    for (const directory of this.list) directory.linksChanged?.();
  }

  async stop(): Promise<void> {
    await Promise.all(this.list.map((directory) => directory.stop()));
  }
}

function zonesSettings({ settings }: Config): string {
  return JSON.stringify(settings.zones);
}
