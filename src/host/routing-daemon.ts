/** BIRD's, or FRR's for BGP, by the name of its process; undefined where none of them is among `processes`. */
export function routingDaemonIn(processes: ReadonlySet<string>): string | undefined {
  return ['bird', 'bgpd'].find((name) => processes.has(name));
}
