/**
 * What a link's guest says of itself, for a while: nftables reads its frames at the link's ingress and keeps addresses in
 * sets of a bounded size, so that no byte of a guest's is parsed by this process.
 */
import { z } from 'zod';
import { type Address, parseAddress } from '../model/address.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import { refusal } from './classify.ts';
import { parseListing } from './nft-answer.ts';
import type { Tools } from './tools.ts';
import { heardSets, makeTraceTable, traceTable } from './trace-table.ts';

export interface Heard {
  /** What came at all, as nft calls it: `arp`, `ip`, `ip6` … */
  readonly protocols: readonly string[];
  /** Who asked for whom by ARP or neighbour discovery; there `target` is the group of the address that is looked for. */
  readonly asked: readonly { readonly source: Address; readonly target: Address }[];
  /** Sources of packets other than the expected ones. */
  readonly sources: readonly Address[];
}

const setSchema = z.object({ elem: z.array(z.unknown()).default([]) });
const wrappedSchema = z.object({ elem: z.object({ val: z.unknown() }) });
const pairSchema = z.object({ concat: z.tuple([z.string(), z.string()]) });

/** `content`: see `hearingTable`. Tells why nothing can be heard where that is so. */
export async function startHearing(tools: Tools, content: string): Promise<string | undefined> {
  try {
    await makeTraceTable(tools, 'netdev', content);
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'refused', 'vanished', 'kernel-unsupported')) throw error;
    return messageOf(error);
  }
}

export async function whatWasHeard(tools: Tools): Promise<Heard> {
  const [protocols = [], asked = [], sources = []] = await Promise.all(
    heardSets.map((name) => elementsOf(tools, name)),
  );
  return {
    protocols: protocols.map(String),
    asked: asked.flatMap(pairOf),
    sources: sources.flatMap((each) => parseAddress(String(each)) ?? []),
  };
}

async function elementsOf(tools: Tools, name: string): Promise<unknown[]> {
  const { exitCode, stdout, stderr } = await tools.run('nft', ['-j', 'list', 'set', 'netdev', traceTable, name]);
  if (exitCode !== 0) throw refusal(`nft, set ${name}`, stderr);
  const elements = parseListing(stdout).flatMap(({ set }) => setSchema.safeParse(set).data?.elem ?? []);
  return elements.map((element) => wrappedSchema.safeParse(element).data?.elem.val ?? element);
}

function pairOf(value: unknown): Heard['asked'] {
  const [source, target] = (pairSchema.safeParse(value).data?.concat ?? []).map((each) => parseAddress(each));
  return source === undefined || target === undefined ? [] : [{ source, target }];
}
