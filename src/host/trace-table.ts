/** The tables that `explain --live`, `drops -f` and `capture` make for a while: whose they are, and whether whoever made them still runs. */
import { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { NftListing } from './nft-listing.ts';
import type { NftObject } from './port.ts';
import { startOf } from './process-name.ts';
import type { Tools } from './tools.ts';

export const traceTable = 'edera-trace';

/** `inet` marks packets for the kernel's trace, `netdev` gathers what a link's guest says of itself. */
const traceFamilies = ['inet', 'netdev'] as const;
export type TraceFamily = (typeof traceFamilies)[number];

/** `abandoned`: ours, of a process that has ended. A number: of this process of ours, which runs. */
export type TraceOwner = 'others' | 'abandoned' | number;

export interface FoundTrace {
  readonly family: TraceFamily;
  readonly owner: TraceOwner;
}

/** Of `drops -f`, see `traffic/suspects.ts`. */
export const suspectChains = ['suspects', 'suspects-discovery', 'suspects-new', 'suspects-leaving'] as const;
const ourChains: readonly string[] = ['request', 'reply', 'heard', 'arriving', 'begun', ...suspectChains];
/** Of the table `netdev`: see `hearing.ts`. */
export const heardSets = ['protocols', 'asked', 'sources'] as const;
/** An empty chain names its process: by id and, since ids come again, by its start. */
const markerName = /^by-(\d{1,10})-(\d{1,20})$/;
const chainSchema = z.object({ name: z.string() });
const ruleSchema = z.object({ chain: z.string(), expr: z.array(z.unknown()) });

/** Tables that are not there are not in the list. */
export async function foundTraces(tools: Tools): Promise<FoundTrace[]> {
  const listing = new NftListing(tools);
  const found = await Promise.all(
    traceFamilies.map(async (family) => ({ family, objects: await listing.rules(family, traceTable) })),
  );
  return found.flatMap(({ family, objects }) =>
    objects === undefined ? [] : [{ family, owner: ownerOf(objects, startOf) }],
  );
}

/** `start`: what `startOf` says. */
export function ownerOf(objects: readonly NftObject[], start: (pid: number) => string | undefined): TraceOwner {
  const chains = objects.flatMap(({ chain }) => chainSchema.safeParse(chain).data?.name ?? []);
  const rules = objects.flatMap(({ rule }) => ruleSchema.safeParse(rule).data ?? []);
  const [marker, ...further] = chains.filter((name) => markerName.test(name));
  const isOurs =
    marker !== undefined &&
    further.length === 0 &&
    objects.every((object) => 'table' in object || 'chain' in object || 'rule' in object || isHeardSet(object)) &&
    chains.every((name) => name === marker || ourChains.includes(name)) &&
    rules.every(
      ({ chain, expr }) => chain !== marker && /"nftrace"|"@(protocols|asked|sources)"/.test(JSON.stringify(expr)),
    );
  if (!isOurs) return 'others';
  const [, pid = '', began] = markerName.exec(marker) ?? [];
  return start(Number(pid)) === began ? Number(pid) : 'abandoned';
}

function isHeardSet({ set }: NftObject): boolean {
  const name = chainSchema.safeParse(set).data?.name;
  return heardSets.some((each) => each === name);
}

/** `content` is what the table holds, in nft's language. */
export function makeTraceTable(tools: Tools, family: TraceFamily, content: string): Promise<void> {
  const marker = `by-${process.pid}-${startOf(process.pid) ?? 0}`;
  return run(tools, `table ${family} ${traceTable} {\n chain ${marker} {\n }\n${content}\n}`);
}

/** Ours and what ended processes left. */
export async function removeTraceTables(tools: Tools): Promise<void> {
  for (const { family, owner } of await foundTraces(tools)) {
    if (owner === 'abandoned' || owner === process.pid) await run(tools, `delete table ${family} ${traceTable}`);
  }
}

/** Throws `refused` where a table is in somebody's way. */
export async function requireFreeTrace(tools: Tools): Promise<void> {
  for (const { family, owner } of await foundTraces(tools)) {
    if (owner === 'abandoned') continue;
    const why =
      owner === 'others'
        ? 'exists and is not ours'
        : `belongs to a running explain --live, drops -f or capture (process ${owner})`;
    throw new ProtectNetworkError('refused', `the table ${family} ${traceTable} ${why}`);
  }
}

async function run(tools: Tools, script: string): Promise<void> {
  const { exitCode, stderr } = await tools.run('nft', [script]);
  if (exitCode !== 0) throw refusal(`nft, table ${traceTable}`, stderr);
}
