/** What only nft's text says (`nft -a -s -t list ruleset`): each rule as people read it, sleeping tables, devices of chains. */

export interface Listing {
  /** By `family table chain handle N`. */
  readonly rules: ReadonlyMap<string, string>;
  /** `family name` of tables with the flag dormant. */
  readonly dormant: ReadonlySet<string>;
  /** Devices by `family table chain`, for chains at ingress and egress. */
  readonly devices: ReadonlyMap<string, readonly string[]>;
  /** By `family name`: the program that alone may change the table (flag owner), as long as it runs. */
  readonly owners: ReadonlyMap<string, string>;
  /** `family name`, in nft's order. */
  readonly tables: readonly string[];
}

export function parseNftText(text: string): Listing {
  const listing = {
    rules: new Map<string, string>(),
    dormant: new Set<string>(),
    devices: new Map<string, readonly string[]>(),
    owners: new Map<string, string>(),
    tables: [] as string[],
  };
  let table = '';
  let program = '';
  let chain: string | undefined;
  let pending = '';
  for (const line of text.split('\n')) {
    const opened = /^table (\S+ \S+) \{/.exec(line)?.[1];
    if (opened !== undefined) {
      table = opened;
      program = /progname (\S+)/.exec(line)?.[1] ?? 'another program';
      listing.tables.push(table);
    } else if (/^\tflags /.test(line)) takeFlags(listing, table, program, line);
    else if (/^\t(chain \S+ \{|\})/.test(line)) chain = /^\tchain (\S+)/.exec(line)?.[1];
    else if (chain !== undefined) pending = takeLine(listing, `${table} ${chain}`, `${pending} ${line.trim()}`.trim());
  }
  return listing;
}

function takeFlags(
  { dormant, owners }: { readonly dormant: Set<string>; readonly owners: Map<string, string> },
  table: string,
  program: string,
  line: string,
): void {
  if (line.includes('dormant')) dormant.add(table);
  if (line.includes('owner')) owners.set(table, program);
}

/** Takes a line inside a chain; returns what is still to be continued, as an anonymous set may be over several lines. */
function takeLine(
  { rules, devices }: { readonly rules: Map<string, string>; readonly devices: Map<string, readonly string[]> },
  chain: string,
  line: string,
): string {
  const device = /^type \S+ hook \S+ devices? (?:= )?(?:\{ ([^}]*) \}|(\S+)) /.exec(line);
  const names = (device?.[1] ?? device?.[2])?.split(/, */).map((name) => name.replaceAll('"', ''));
  if (names !== undefined) devices.set(chain, names);
  const rule = /^(.*) # handle (\d+)$/.exec(line);
  if (rule !== null) rules.set(`${chain} handle ${rule[2]}`, (rule[1] ?? '').trim());
  return rule !== null || /^type \S+ hook /.test(line) ? '' : line;
}
