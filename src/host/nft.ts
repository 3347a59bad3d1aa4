/**
 * Transactions in nft's own language, listings in its JSON.
 *
 * Small ones go to a long-lived `nft -j -i`, by a file that it includes (0.7 ms for a zone); what has no words in
 * `nft-script.ts` as a line of JSON (2.5 ms for as much). Large ones go through a file and a process of their own. Where
 * the interactive mode is missing or keeps dying, everything does. `nft -f -` opens /dev/stdin, which works for a file but
 * not for Node's pipes: they are sockets.
 */
import { closeSync } from 'node:fs';
import { z } from 'zod';
import { hasCode, ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { Conversation } from './conversation.ts';
import { namelessFile, overwrite } from './nameless-file.ts';
import { NftListing } from './nft-listing.ts';
import { nativeScript } from './nft-script.ts';
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
/** About 150 zones. nft keeps the memory that it once needed: 16 MB for 1000. */
const maxIncludedBytes = 128_000;
/** The long-lived process opens its descriptor 3 anew at each include, and so reads it from the start. */
const includedPath = '/proc/self/fd/3';
/** After this many deaths in a row the interactive mode is given up until the next start. */
const maxDeaths = 3;
/** A line of at most `maxInteractiveBytes` takes milliseconds, with thousands of zones tens of them. */
const interactiveTimeoutMs = 20_000;
/** A listing of 256 KB takes some 100 ms. */
const askTimeoutMs = 5_000;
/** 20,000 links' rules load in 9 s on two cores; ten times that means hung. */
const transactionTimeoutMs = 90_000;

export class NftTool implements Nft {
  readonly #tools: Tools;
  readonly #listing: NftListing;
  readonly #interactive: Conversation;
  readonly #ownPids = new Set<number>();
  /** What the long-lived process includes. Undefined where no file can be made. */
  #included: number | undefined;
  #deaths = 0;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#listing = new NftListing(tools, (line) => this.#ask(line));
    this.#interactive = new Conversation(tools, {
      tool: 'nft',
      args: ['--json', '--interactive'],
      // A bare word is a syntax error, and its message carries the token.
      endLines: (token) => [token],
      endMark: (token) => new RegExp(`[^\\n]*rror: syntax error[^\\n]*\\n${token}\\n[ ^]*\\n`),
      requestsPerProcess: 5_000,
      file: () => {
        this.#included ??= this.#fileOf('');
        return this.#included;
      },
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
    const complaint = await this.#tell(commands);
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

  async close(): Promise<void> {
    await this.#interactive.close();
    if (this.#included !== undefined) closeSync(this.#included);
    this.#included = undefined;
  }

  /** For what can be asked of a process of its own as well. */
  async #ask(line: string): Promise<string | undefined> {
    if (this.#deaths >= maxDeaths) return undefined;
    try {
      const { text } = await this.#interactive.ask([line], askTimeoutMs);
      this.#deaths = 0;
      return text;
    } catch (error) {
      if (!hasCode(error, 'helper-died', 'timeout')) throw error;
      this.#deaths += 1;
      return undefined;
    }
  }

  /** Returns nft's complaint, empty where it has none. */
  async #tell(commands: readonly NftCommand[]): Promise<string> {
    const script = nativeScript(commands);
    const request = script ?? JSON.stringify({ nftables: commands });
    const isLarge = request.length > (script === undefined ? maxInteractiveBytes : maxIncludedBytes);
    const file = isLarge || this.#deaths >= maxDeaths ? this.#fileOf(request) : undefined;
    if (file !== undefined) return this.#tellByFile(file, script === undefined ? ['--json'] : []);
    try {
      const lines = () => [script === undefined ? request : this.#lineFor(script)];
      const { text } = await this.#interactive.ask(lines, isLarge ? transactionTimeoutMs : interactiveTimeoutMs);
      this.#deaths = 0;
      return text.trim();
    } catch (error) {
      if (hasCode(error, 'helper-died', 'timeout')) this.#deaths += 1;
      throw error;
    }
  }

  /** nft reads a line from stdin byte by byte, at a microsecond each, and an included file at once. */
  #lineFor(script: string): string {
    if (this.#included !== undefined && overwrite(this.#included, script)) return `include "${includedPath}"`;
    return script.trimEnd().replaceAll('\n', '; ');
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

  async #tellByFile(file: number, options: readonly string[]): Promise<string> {
    try {
      const result = await this.#tools.run('nft', [...options, '--file', '-'], {
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
