/** One target's inputs, one after the other: made, fed, timed, and kept where something new came of them. */
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { messageOf, ProtectNetworkError } from '../../src/model/errors.ts';
import { Random } from './random.ts';
import type { Outcome, Target } from './target.ts';

export interface Finding {
  readonly target: string;
  /** What was broken, first line. */
  readonly what: string;
  readonly detail: string;
  readonly input: Buffer;
}

export interface Result {
  readonly target: string;
  readonly inputs: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Different outcomes seen: how far into the program the inputs came. */
  readonly kinds: number;
  /** Milliseconds of processor time of the slowest input, and its bytes. */
  readonly slowest: { readonly ms: number; readonly bytes: number };
  /** Bytes held at the end over those held after the warm-up. */
  readonly grown: number;
  readonly findings: readonly Finding[];
}

export interface SessionOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly corpus: readonly Buffer[];
  /** Told of each input before the program reads it: whoever watches has it where this thread ends. */
  readonly about?: (input: Buffer) => void;
}

/** An answer that takes so long will not come. */
const noEndMs = 10_000;
/** What may be held more at the end: caches of regular expressions, compiled code, buffers not yet swept. */
export const maxGrowth = 24 * 1024 * 1024;
const maxFindings = 10;
/** Inputs kept for what came of them, and the largest of those. */
const maxKept = 512;
const maxKeptBytes = 4096;

export async function fuzz(target: Target, options: SessionOptions): Promise<Result> {
  const random = new Random(options.seed, hashOf(target.name));
  const pool = new Pool(options.corpus);
  const findings = new Map<string, Finding>();
  const begin = performance.now();
  let [bytes, inputs, held, slowest] = [0, 0, 0, { ms: 0, bytes: 0 }];
  const warm = Math.min(2000, Math.ceil(options.inputs / 4));
  for (; inputs < options.inputs && findings.size < maxFindings; inputs += 1) {
    // The corpus itself goes first, as it is.
    const input = options.corpus[inputs] ?? target.mutate(random, pool.pick(random), pool.pick(random));
    const cut = input.subarray(0, target.maxBytes ?? 1024 * 1024);
    options.about?.(cut);
    const { kind, ms, finding } = await feed(target, cut);
    if (finding !== undefined) findings.set(finding.what, finding);
    else pool.keep(kind, cut);
    if (ms > slowest.ms) slowest = { ms, bytes: cut.length };
    bytes += cut.length;
    if (inputs === warm) held = heldBytes();
  }
  const grown = inputs > warm ? heldBytes() - held : 0;
  if (grown > maxGrowth) {
    const what = `${grown} bytes more are held than after ${warm} inputs`;
    findings.set(what, { target: target.name, what, detail: '', input: Buffer.alloc(0) });
  }
  const seconds = (performance.now() - begin) / 1000;
  const found = [...findings.values()];
  return { target: target.name, inputs, bytes, seconds, kinds: pool.kinds, slowest, grown, findings: found };
}

/** One input: what came of it, or what it broke. */
export async function feed(target: Target, input: Buffer): Promise<{ kind: string; ms: number; finding?: Finding }> {
  const first = await attempt(target, input);
  let ms = first.ms;
  const limit = (target.timeBound ?? defaultTimeBound)(input.length);
  // Collecting others' garbage counts too: only what is slow three times is slow.
  for (let again = 0; again < 2 && ms > limit; again += 1) ms = Math.min(ms, (await attempt(target, input)).ms);
  const slow = ms > limit ? `slow: more than ${Math.round(limit)} ms for ${input.length} bytes` : undefined;
  const broken = first.broken ?? (slow === undefined ? undefined : { what: slow, detail: `${Math.round(ms)} ms` });
  const kind = first.kind;
  return broken === undefined ? { kind, ms } : { kind, ms, finding: { target: target.name, ...broken, input } };
}

interface Attempt {
  readonly kind: string;
  readonly ms: number;
  readonly broken?: { readonly what: string; readonly detail: string };
}

async function attempt(target: Target, input: Buffer): Promise<Attempt> {
  const begin = processorMs();
  const ended = (outcome: Outcome, broken?: Attempt['broken']): Attempt => {
    const ms = processorMs() - begin;
    const bound = (target.outputBound ?? defaultOutputBound)(input.length);
    const tooMuch =
      outcome.size > bound ? { what: 'too much output', detail: `${outcome.size} of ${bound}` } : undefined;
    const wrong = broken ?? tooMuch;
    return wrong === undefined ? { kind: outcome.kind, ms } : { kind: outcome.kind, ms, broken: wrong };
  };
  try {
    const outcome = target.feed(input);
    return ended(outcome instanceof Promise ? await within(outcome) : outcome);
  } catch (error) {
    const message = messageOf(error);
    const kind = masked(message);
    if (error instanceof ProtectNetworkError) return ended({ kind: `${error.code} ${kind}`, size: message.length });
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const place = stack.split('\n').find((line) => line.includes('/src/')) ?? '';
    return ended({ kind, size: 0 }, { what: `${kind} ${place.trim().replace(/\(.*\/src\//, '(src/')}`, detail: stack });
  }
}

async function within(outcome: Promise<Outcome>): Promise<Outcome> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${noEndMs} ms`)), noEndMs);
  try {
    return await Promise.race([outcome, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The corpus, and one input for each kind of outcome. */
class Pool {
  readonly #inputs: Buffer[];
  readonly #kinds = new Set<string>();
  readonly #most: number;

  constructor(corpus: readonly Buffer[]) {
    this.#inputs = corpus.length === 0 ? [Buffer.alloc(0)] : [...corpus];
    this.#most = this.#inputs.length + maxKept;
  }

  get kinds(): number {
    return this.#kinds.size;
  }

  pick(random: Random): Buffer {
    return random.pick(this.#inputs);
  }

  keep(kind: string, input: Buffer): void {
    if (this.#kinds.has(kind) || this.#kinds.size >= 10_000) return;
    this.#kinds.add(kind);
    if (this.#inputs.length < this.#most && input.length <= maxKeptBytes) this.#inputs.push(Buffer.from(input));
  }
}

/** A message without what differs from input to input. */
function masked(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  return line
    .slice(0, 300)
    .replaceAll(/"(?:[^"\\]|\\.)*"?|'[^']*'?|`[^`]*`?|\S*\/\S*|\d+/g, '_')
    .slice(0, 100);
}

/** This thread's own: the machine has other work too. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function defaultTimeBound(bytes: number): number {
  return 250 + (2 * bytes) / 1024;
}

function defaultOutputBound(bytes: number): number {
  return 64 * 1024 + 64 * bytes;
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export function hashOf(data: string | Buffer): number {
  return createHash('sha256').update(data).digest().readUInt32LE(0);
}
