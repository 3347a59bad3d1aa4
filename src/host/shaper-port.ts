/** What has been put at the root of a link to shape what is sent by it. `qdisc` as tc(8) has it: `htb 1:`. */
export type Shaper =
  | { readonly kind: 'ours'; readonly bitsPerSecond: number }
  | { readonly kind: 'other'; readonly qdisc: string };
