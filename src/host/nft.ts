/**
 * Transactions and listings through nft's JSON.
 *
 * Small ones go to a long-lived `nft -j -i` (2 ms instead of 8 to 16), large ones through a file, because reading
 * very long lines is slow there (1000 rules: 201 ms against 63). Where the interactive mode is missing or keeps
 * dying, everything goes through files. `nft -f -` opens /dev/stdin, which works for a file but not for Node's pipes: they are sockets.
 */
import { closeSync } from 'node:fs';
import { z } from 'zod';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { Conversation } from './conversation.ts';
import { namelessFile } from './nameless-file.ts';
import { NftListing } from './nft-listing.ts';
import type { ForwardChain, Nft, NftCommand, NftFamily, NftObject } from './port.ts';
import type { Tools } from './tools.ts';

const forwardChainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.literal('forward'),
  prio: z.number().int().default(0),
  policy: z.string().default('accept'),
});
/** Above this many bytes of JSON a file is faster than the interactive mode (measured crossing: 12 to 20 KB). */
const maxInteractiveBytes = 16_000;
/** After this many deaths in a row the interactive mode is given up until the next start. */
const maxDeaths = 3;
/** A line of at most `maxInteractiveBytes` takes milliseconds, with thousands of zones tens of them. */
const interactiveTimeoutMs = 20_000;
/** 20,000 links' rules load in 9 s on two cores; ten times that means hung. */
const transactionTimeoutMs = 90_000;

export class NftTool implements Nft {
  readonly #tools: Tools;
  readonly #listing: NftListing;
  readonly #interactive: Conversation;
  readonly #ownPids = new Set<number>();
  #deaths = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#listing = new NftListing(tools);
    this.#interactive = new Conversation(tools, {
      tool: 'nft',
      args: ['--json', '--interactive'],
      // A bare word is a syntax error, and its message carries the token.
      endLines: (token) => [token],
      endMark: (token) => new RegExp(`[^\\n]*rror: syntax error[^\\n]*\\n${token}\\n[ ^]*\\n`),
      requestsPerProcess: 5_000,
    });
  }

  warm(): void {
    this.#interactive.warm();
  }

  /** True where the kernel named one of our own processes as the author of a change. */
  isOwn(pid: number): boolean {
    return pid === this.#interactive.pid || this.#ownPids.has(pid);
  }

  async transact(commands: readonly NftCommand[]): Promise<void> {
    if (commands.length === 0) return;
    const complaint = await this.#tell(JSON.stringify({ nftables: commands }));
    if (complaint === '') return;
    const error = refusal(`nft transaction of ${commands.length} commands`, complaint);
    // Which of the objects was missing or there already does not matter: what was observed no longer holds.
    throw hasCode(error, 'vanished', 'exists') ? new ProtectNetworkError('refused', error.message) : error;
  }

  async tables(): Promise<{ family: string; name: string }[]> {
    return this.#listing.tables();
  }

  async forwardChains(): Promise<ForwardChain[]> {
    const objects = (await this.#listing.list(['chains'])) ?? [];
    return objects.flatMap((object) => {
      const chain = forwardChainSchema.safeParse(object['chain']);
      return chain.success ? [chain.data] : [];
    });
  }

  table(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    return this.#listing.table(family, name);
  }

  rules(family: NftFamily, name: string): Promise<NftObject[] | undefined> {
    return this.#listing.table(family, name, ['--terse']);
  }

  async set(family: NftFamily, table: string, name: string): Promise<NftObject | undefined> {
    const objects = await this.#listing.list(['set', family, table, name]);
    return objects?.find((object) => 'set' in object);
  }

  close(): Promise<void> {
    return this.#interactive.close();
  }

  /** Returns nft's complaint, empty where it has none. */
  async #tell(request: string): Promise<string> {
    const isLarge = request.length > maxInteractiveBytes;
    const file = isLarge || this.#deaths >= maxDeaths ? this.#fileOf(request) : undefined;
    if (file !== undefined) return this.#tellByFile(file);
    try {
      // JSON.stringify never prints a line break, so the request is one line.
      const { text } = await this.#interactive.ask([request], isLarge ? transactionTimeoutMs : interactiveTimeoutMs);
      this.#deaths = 0;
      return text.trim();
    } catch (error) {
      if (hasCode(error, 'helper-died', 'timeout')) this.#deaths += 1;
      throw error;
    }
  }

  /** Undefined where no file can be written: the interactive mode is slower for much, and needs none. */
  #fileOf(request: string): number | undefined {
    try {
      return namelessFile(request);
    } catch (error) {
      if (hasCode(error, 'refused')) return undefined;
      throw error;
    }
  }

  async #tellByFile(file: number): Promise<string> {
    try {
      const result = await this.#tools.run('nft', ['--json', '--file', '-'], {
        stdin: file,
        timeoutMs: transactionTimeoutMs,
        started: (pid) => this.#remember(pid),
      });
      if (result.exitCode !== 0 && result.stderr.trim() === '') {
        throw new ProtectNetworkError('refused', `nft ended with exit code ${result.exitCode} and no message`);
      }
      return result.exitCode === 0 ? '' : result.stderr.trim();
    } finally {
      closeSync(file);
    }
  }

  /** Generation events may be read after the process has ended, so its id is kept for a while. */
  #remember(pid: number): void {
    this.#ownPids.add(pid);
    if (this.#ownPids.size > 32) {
      const [oldest] = this.#ownPids;
      if (oldest !== undefined) this.#ownPids.delete(oldest);
    }
  }
}
