/** The links as last heard of: by index, by name, and what stands on a zone's link or has it as a member. */
import type { Link } from '../host/port.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import type { HostLink } from '../nft/layout-model.ts';
import { hostLinkOf, isCalledLikeZones, isGuestElsewhere } from './strange-links.ts';
import { type Taken, takenBy } from './taken.ts';

const nobody: readonly number[] = [];

/** Zone links that came, went, got another name or were taken or freed: the indices, and every name they had or have. */
export interface TouchedLinks {
  readonly indices: Set<number>;
  readonly names: Set<LinkName>;
}

export class LinkTable {
  readonly links = new Map<number, Link>();
  /** In ascending order: the youngest bears the name, where an older one's end has not been reported. */
  readonly #byName = new Map<string, readonly number[]>();
  /** The links that stand on a zone's link, by its name. */
  readonly #above = new Map<LinkName, Set<number>>();
  /** The zone links' names that links had before they were renamed to something else, by ifindex. */
  readonly formerly = new Map<number, LinkName>();
  /** The names of guests' links that are called unlike zones', by ifindex. */
  readonly guestsElsewhere = new Map<number, string>();
  /** The host's own that are called like zones', by ifindex. */
  readonly hostLinks = new Map<number, HostLink>();
  #touched: TouchedLinks | 'all' = 'all';

  reset(links: readonly Link[]): void {
    this.links.clear();
    this.#byName.clear();
    this.#above.clear();
    this.guestsElsewhere.clear();
    this.hostLinks.clear();
    for (const link of links) this.set(link);
    this.#touched = 'all';
  }

  /** What happened to zone links since the last call; `all` after everything was read. */
  takeTouched(): TouchedLinks | 'all' {
    const touched = this.#touched;
    this.#touched = { indices: new Set(), names: new Set() };
    return touched;
  }

  /** Undefined for what is no zone's by its name, and for what is not there. */
  zoneNameOf(ifindex: number): LinkName | undefined {
    return parseLinkName(this.links.get(ifindex)?.name ?? '');
  }

  /** The youngest link of that name. */
  named(name: string): Link | undefined {
    const ifindex = this.namesakes(name).at(-1);
    return ifindex === undefined ? undefined : this.links.get(ifindex);
  }

  /** The links of that name by ifindex, the youngest last. */
  namesakes(name: string): readonly number[] {
    return this.#byName.get(name) ?? nobody;
  }

  takenBy(link: Link): Taken | undefined {
    return takenBy(link, this.#standingOn(link), (name) => this.named(name));
  }

  /** The zone's link that a change of `link` is about: itself, or the one that it stands or stood on. */
  concernedBy(link: Link): Link {
    if (parseLinkName(link.name) !== undefined) return link;
    const lower = zoneLinkBelow(link) ?? zoneLinkBelow(this.links.get(link.ifindex));
    return (lower && this.named(lower)) ?? link;
  }

  /** Takes the link as it is now. True where that is news of a zone's link, of one called like it, or of a guest's. */
  set(link: Link): boolean {
    const before = this.links.get(link.ifindex);
    this.links.set(link.ifindex, link);
    if (before?.name !== link.name) {
      this.#remember(before, link);
      if (before !== undefined) this.#dropName(before);
      const bearers = [...this.namesakes(link.name), link.ifindex].sort((one, other) => one - other);
      this.#byName.set(link.name, bearers);
      this.#touch(link);
    } else if (before.master !== link.master) this.#touch(link);
    const stands = before?.lower !== link.lower && this.#stand(before, link);
    const isOurs = isCalledLikeZones(link.name) || (before !== undefined && isCalledLikeZones(before.name));
    return this.#noteTold(link) || stands || (isOurs && isNews(before, link));
  }

  /** True where that is news of a zone's link. */
  drop(link: Link): boolean {
    const known = this.links.get(link.ifindex);
    this.links.delete(link.ifindex);
    this.formerly.delete(link.ifindex);
    if (known === undefined) return false;
    this.#dropName(known);
    const wasGuest = this.guestsElsewhere.delete(link.ifindex);
    if (this.hostLinks.delete(link.ifindex) || wasGuest) this.#touched = 'all';
    return this.#stand(known, undefined) || isCalledLikeZones(known.name) || wasGuest;
  }

  #standingOn({ name }: Link): Link[] {
    const indices = this.#above.get(name as LinkName) ?? nobody;
    return [...indices].flatMap((ifindex) => this.links.get(ifindex) ?? []);
  }

  /** True where the link stood or stands on a zone's. */
  #stand(before: Link | undefined, link: Link | undefined): boolean {
    const [from, to] = [zoneLinkBelow(before), zoneLinkBelow(link)];
    if (before !== undefined && from !== undefined) this.#above.get(from)?.delete(before.ifindex);
    if (from !== undefined && this.#above.get(from)?.size === 0) this.#above.delete(from);
    if (link !== undefined && to !== undefined)
      this.#above.set(to, (this.#above.get(to) ?? new Set()).add(link.ifindex));
    for (const name of [from, to]) {
      const zone = name === undefined ? undefined : this.named(name);
      if (zone !== undefined) this.#touch(zone);
    }
    return from !== undefined || to !== undefined;
  }

  /** True where that is news: the guard is told of it by its name. */
  #noteTold(link: Link): boolean {
    const { ifindex, name } = link;
    const before = this.formerly.get(ifindex);
    const [guest, host] = [isGuestElsewhere(link, before) ? name : undefined, hostLinkOf(link, before)];
    const known = this.hostLinks.get(ifindex);
    const isSame = known?.name === host?.name && known?.kind === host?.kind;
    if (this.guestsElsewhere.get(ifindex) === guest && isSame) return false;
    if (guest === undefined) this.guestsElsewhere.delete(ifindex);
    else this.guestsElsewhere.set(ifindex, guest);
    if (host === undefined) this.hostLinks.delete(ifindex);
    else this.hostLinks.set(ifindex, host);
    this.#touched = 'all';
    return true;
  }

  #remember(before: Link | undefined, { ifindex, name }: Link): void {
    const was = before && parseLinkName(before.name);
    if (parseLinkName(name) !== undefined) this.formerly.delete(ifindex);
    else if (was !== undefined) this.formerly.set(ifindex, was);
  }

  #dropName(link: Link): void {
    const others = this.namesakes(link.name).filter((ifindex) => ifindex !== link.ifindex);
    if (others.length > 0) this.#byName.set(link.name, others);
    else this.#byName.delete(link.name);
    this.#touch(link);
  }

  #touch({ ifindex, name }: Link): void {
    const zoneLink = parseLinkName(name);
    if (this.#touched === 'all' || zoneLink === undefined) return;
    this.#touched.indices.add(ifindex);
    this.#touched.names.add(zoneLink);
  }
}

function isNews(before: Link | undefined, { name, up, master }: Link): boolean {
  return before?.name !== name || before.up !== up || before.master !== master;
}

function zoneLinkBelow(link: Link | undefined): LinkName | undefined {
  return link?.lower === undefined ? undefined : parseLinkName(link.lower);
}
