/** What iproute2 prints with `-json`, as far as we use it. */
import { z } from 'zod';
import { ProtectNetworkError } from '../model/errors.ts';

export const linkSchema = z.object({
  ifindex: z.number().int().positive(),
  ifname: z.string(),
  flags: z.array(z.string()),
});
export const routeSchema = z.object({
  dst: z.string(),
  type: z.string().optional(),
  dev: z.string().optional(),
  table: z.union([z.string(), z.number()]).optional(),
  protocol: z.union([z.string(), z.number()]).optional(),
});
export const proxySchema = z.object({ dst: z.string(), dev: z.string().optional(), protocol: z.string().optional() });

/** Every row must be understood and there must be one (`lo`): a link that is missing here would lose all that it has. */
export function parseLinks(text: string): z.infer<typeof linkSchema>[] {
  const rows = z.array(linkSchema).min(1).safeParse(jsonOf(text, 'ip link show'));
  if (rows.success) return rows.data;
  throw new ProtectNetworkError('garbled', 'ip link show did not print a list of links', { cause: rows.error });
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
