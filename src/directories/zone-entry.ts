import type { Address } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

/** One link's entry in a directory, parsed but not yet judged: whether it counts is not decided here. */
export interface ZoneEntry {
  readonly link: LinkName;
  readonly addresses: readonly Address[];
  /** The zone's name for people, where the directory has one. */
  readonly name: string | undefined;
  /** Where exactly it says so, for logs and `status`: a file, a xenstore path, a zone id. */
  readonly origin: string;
  /** Set where the directory knows the link and its entry cannot be used: it then has no addresses. */
  readonly unusable?: Unusable | undefined;
}

export interface Unusable {
  /** Behind "LINK has no network:". */
  readonly why: string;
  /** A command, where one makes it usable. */
  readonly fix: string | undefined;
}
