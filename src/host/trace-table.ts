/** The table that `explain --live` makes for a while: whose it is, and whether whoever made it still runs. */
import { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { NftListing } from './nft-listing.ts';
import type { NftObject } from './port.ts';
import { startOf } from './process-name.ts';
import type { Tools } from './tools.ts';

export const traceTable = 'edera-trace';

/** `abandoned`: ours, of a process that has ended. A number: of this process of ours, which runs. */
export type TraceOwner = 'nobody' | 'others' | 'abandoned' | number;

const traceChains = ['request', 'reply'];
/** An empty chain names its process: by id and, since ids come again, by its start. */
const markerName = /^by-(\d{1,10})-(\d{1,20})$/;
const chainSchema = z.object({ name: z.string() });
const ruleSchema = z.object({ chain: z.string(), expr: z.array(z.unknown()) });

export async function traceOwner(tools: Tools): Promise<TraceOwner> {
  const objects = await new NftListing(tools).rules('inet', traceTable);
  return objects === undefined ? 'nobody' : ownerOf(objects, startOf);
}

/** `start`: what `startOf` says. */
export function ownerOf(objects: readonly NftObject[], start: (pid: number) => string | undefined): TraceOwner {
  const chains = objects.flatMap(({ chain }) => chainSchema.safeParse(chain).data?.name ?? []);
  const rules = objects.flatMap(({ rule }) => ruleSchema.safeParse(rule).data ?? []);
  const [marker, ...further] = chains.filter((name) => markerName.test(name));
  const isOurs =
    marker !== undefined &&
    further.length === 0 &&
    objects.every((object) => 'table' in object || 'chain' in object || 'rule' in object) &&
    chains.every((name) => name === marker || traceChains.includes(name)) &&
    rules.every(({ chain, expr }) => chain !== marker && JSON.stringify(expr).includes('"nftrace"'));
  if (!isOurs) return 'others';
  const [, pid = '', began] = markerName.exec(marker) ?? [];
  return start(Number(pid)) === began ? Number(pid) : 'abandoned';
}

/** `chains` is what traces, in nft's language. */
export function makeTraceTable(tools: Tools, chains: string): Promise<void> {
  const marker = `by-${process.pid}-${startOf(process.pid) ?? 0}`;
  return run(tools, `table inet ${traceTable} {\n chain ${marker} {\n }\n${chains}\n}`);
}

/** Adding first makes deleting what may be absent succeed, on every nft there is. */
export function removeTraceTable(tools: Tools): Promise<void> {
  return run(tools, `add table inet ${traceTable}\ndelete table inet ${traceTable}`);
}

/** Throws `refused` where the table is in somebody's way. */
export async function requireFreeTrace(tools: Tools): Promise<void> {
  const owner = await traceOwner(tools);
  if (owner === 'nobody' || owner === 'abandoned') return;
  const why = owner === 'others' ? 'exists and is not ours' : `belongs to a running explain --live (process ${owner})`;
  throw new ProtectNetworkError('refused', `the table inet ${traceTable} ${why}`);
}

async function run(tools: Tools, script: string): Promise<void> {
  const { exitCode, stderr } = await tools.run('nft', [script]);
  if (exitCode !== 0) throw refusal(`nft, table inet ${traceTable}`, stderr);
}
