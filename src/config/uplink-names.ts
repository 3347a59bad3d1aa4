/** One sentence for each of `uplink.interfaces` that is no interface of this host. Pure. */
export function missingUplinks(interfaces: readonly string[], isThere: (name: string) => boolean): string[] {
  return interfaces
    .filter((name) => !isThere(name))
    .map((name) => `uplink.interfaces names ${name}, and this host has no such interface`);
}
