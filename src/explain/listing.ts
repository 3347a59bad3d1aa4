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
  const rules = new Map<string, string>();
  const dormant = new Set<string>();
  const devices = new Map<string, string>();
  const tables: string[] = [];
  let table = '';
  let chain: string | undefined;
  let pending = '';
  for (const line of text.split('\n')) {
    const opened = /^table (\S+ \S+) \{/.exec(line)?.[1];
    if (opened !== undefined) {
      table = opened;
      tables.push(table);
    } else if (/^\tflags .*dormant/.test(line)) dormant.add(table);
    else if (/^\tchain /.test(line)) chain = /^\tchain (\S+) \{/.exec(line)?.[1];
    else if (/^\t\}/.test(line)) chain = undefined;
    else if (chain !== undefined) {
      const device = /^\t\ttype \S+ hook \S+ device "?([^"\s]+)"? /.exec(line)?.[1];
      if (device !== undefined) devices.set(`${table} ${chain}`, device);
      // An anonymous set may go on over several lines; the handle ends the rule.
      pending = `${pending} ${line.trim()}`.trim();
      const rule = /^(.*) # handle (\d+)$/.exec(pending);
      if (rule !== null) rules.set(`${table} ${chain} handle ${rule[2]}`, (rule[1] ?? '').trim());
      if (rule !== null || /^type \S+ hook /.test(pending)) pending = '';
    }
  }
  return { rules, dormant, devices, tables };
}
