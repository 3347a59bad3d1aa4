/** What only nft's text says (`nft -a -s -t list ruleset`): each rule as people read it, sleeping tables, devices of chains. */

export interface Listing {
  /** By `family table chain handle N`. */
  readonly rules: ReadonlyMap<string, string>;
  /** `family name` of tables with the flag dormant. */
  readonly dormant: ReadonlySet<string>;
  /** Device by `family table chain`, for chains at ingress and egress. */
  readonly devices: ReadonlyMap<string, string>;
  /** `family name`, in nft's order. */
  readonly tables: readonly string[];
}

export function parseNftText(text: string): Listing {
  const listing = {
    rules: new Map<string, string>(),
    dormant: new Set<string>(),
    devices: new Map<string, string>(),
    tables: [] as string[],
  };
  let table = '';
  let chain: string | undefined;
  let pending = '';
  for (const line of text.split('\n')) {
    const opened = /^table (\S+ \S+) \{/.exec(line)?.[1];
    if (opened !== undefined) {
      table = opened;
      listing.tables.push(table);
    } else if (/^\tflags .*dormant/.test(line)) listing.dormant.add(table);
    else if (/^\t(chain \S+ \{|\})/.test(line)) chain = /^\tchain (\S+)/.exec(line)?.[1];
    else if (chain !== undefined) pending = takeLine(listing, `${table} ${chain}`, `${pending} ${line.trim()}`.trim());
  }
  return listing;
}

/** Takes a line inside a chain; returns what is still to be continued, as an anonymous set may be over several lines. */
function takeLine(
  { rules, devices }: { readonly rules: Map<string, string>; readonly devices: Map<string, string> },
  chain: string,
  line: string,
): string {
  const device = /^type \S+ hook \S+ device "?([^"\s]+)"? /.exec(line)?.[1];
  if (device !== undefined) devices.set(chain, device);
  const rule = /^(.*) # handle (\d+)$/.exec(line);
  if (rule !== null) rules.set(`${chain} handle ${rule[2]}`, (rule[1] ?? '').trim());
  return rule !== null || /^type \S+ hook /.test(line) ? '' : line;
}
