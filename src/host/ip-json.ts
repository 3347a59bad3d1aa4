/** What iproute2 prints with `-json`, for commands of people. */
import { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LinkTies } from './port.ts';

/** `link` names a link of this namespace only; of another one iproute2 has no more than an index. */
export const tieFields = {
  master: z.string().optional(),
  link: z.string().nullish(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
};

export function tiesOf({ master, link, linkinfo }: z.infer<z.ZodObject<typeof tieFields>>): LinkTies {
  return { master, lower: link ?? undefined, kind: linkinfo?.info_kind };
}

/** The rows that fit; iproute2 prints nothing at all for some empty lists. Throws `garbled` for what is no list. */
export function parseJson<T extends z.ZodType>(text: string, item: T, what: string): z.infer<T>[] {
  if (text.trim() === '') return [];
  const rows = z.array(z.unknown()).safeParse(jsonOf(text, what));
  if (!rows.success)
    throw new ProtectNetworkError('garbled', `${what} did not print a JSON list`, { cause: rows.error });
  // iproute2 prints empty objects for lines it filtered out; anything else that does not fit is not ours to use.
  return rows.data.flatMap((row) => {
    const result = item.safeParse(row);
    return result.success ? [result.data] : [];
  });
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProtectNetworkError('garbled', `${what} did not print JSON`, { cause: error });
  }
}
