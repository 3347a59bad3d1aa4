/** The same pseudonym for the same address, MAC, UUID or name wherever it stands in a text, so that it can still be read. Pure. */
import { parse } from 'tldts';
import { parseAddress, parsePrefix, prefixAround } from '../model/address.ts';
import { AddressPseudonyms } from './address-pseudonyms.ts';

export interface Known {
  /** Of zones and domains. */
  readonly names: Iterable<string>;
  /** Of this host; its first label counts by itself, too. */
  readonly hostname: string;
  /** Secret and random. */
  readonly key: Buffer;
}

export class Pseudonyms {
  readonly #addresses: AddressPseudonyms;
  readonly #names = new Map<string, string>();
  readonly #macs = new Numbers();
  readonly #uuids = new Numbers();
  readonly #domains = new Numbers();
  readonly #labels = new Numbers();
  readonly #numbers: RegExp;
  readonly #words: RegExp;

  constructor({ names, hostname, key }: Known) {
    this.#addresses = new AddressPseudonyms(key);
    for (const name of [...new Set(names)].sort()) this.#addName(name, `zone-${this.#names.size + 1}`);
    this.#addName(hostname, 'host');
    this.#addName(hostname.split('.')[0] ?? '', 'host');
    const all = [...this.#names.keys()];
    const holdsNumber = new RegExp(numberPatterns.join('|'), 'u');
    this.#numbers = patternOf(
      all.filter((name) => holdsNumber.test(name)),
      numberPatterns,
    );
    this.#words = patternOf(all, [domainPattern]);
  }

  /** A zone may be called `10`: what begins an address is taken for no name, and no pseudonym for one. */
  in(text: string): string {
    let end = 0;
    const parts = [...text.matchAll(this.#numbers)].flatMap((match) => {
      const before = text.slice(end, match.index);
      end = match.index + match[0].length;
      return [this.#inWords(before), this.#inNumbers(match)];
    });
    return [...parts, this.#inWords(text.slice(end))].join('');
  }

  #inNumbers({ 0: found, groups = {} }: RegExpExecArray): string {
    const { mac, uuid, name } = groups;
    if (name !== undefined) return this.#names.get(name) ?? found;
    if (mac !== undefined) return this.#mac(mac);
    if (uuid !== undefined) return `00000000-0000-4000-8000-${hex(this.#uuids.of(uuid.toLowerCase()), 12)}`;
    return this.#address(found);
  }

  #inWords(text: string): string {
    return text.replaceAll(this.#words, (found: string, ...rest: unknown[]) => {
      const { name, domain } = rest.at(-1) as Readonly<Record<string, string | undefined>>;
      return name === undefined ? this.#domain(domain ?? found) : (this.#names.get(name) ?? found);
    });
  }

  /** As it stands in JSON, too. */
  #addName(name: string, pseudonym: string): void {
    if (name === '') return;
    this.#names.set(name, pseudonym);
    this.#names.set(JSON.stringify(name).slice(1, -1), pseudonym);
  }

  /** An address, a prefix, or something that only looks like one: a time, or one with a colon behind it. */
  #address(found: string): string {
    const [text = '', length] = found.split('/');
    const end = /:$/.test(text) && !text.endsWith('::') ? 1 : 0;
    const address = parseAddress(text.slice(0, text.length - end));
    if (address === undefined) return found;
    const pseudonym = this.#addresses.of(address);
    const rest = ':'.repeat(end);
    if (length === undefined) return `${pseudonym}${rest}`;
    const prefix = parsePrefix(`${address}/${length}`);
    // That of a prefix has no bits behind its length either.
    return prefix === undefined ? `${pseudonym}${rest}/${length}` : prefixAround(pseudonym, prefix.length).text;
  }

  /** The maker stays, as drivers and hypervisors are told by it. */
  #mac(mac: string): string {
    const digits = mac.toLowerCase();
    if (digits === 'ff:ff:ff:ff:ff:ff' || digits === '00:00:00:00:00:00' || digits === 'fe:ff:ff:ff:ff:ff') return mac;
    const number = hex(this.#macs.of(digits), 6);
    return `${digits.slice(0, 8)}:${number.slice(0, 2)}:${number.slice(2, 4)}:${number.slice(4)}`;
  }

  /** Only what is below a suffix that the internet has: `rp_filter.conf` is none. Labels keep their places. */
  #domain(found: string): string {
    if (/protect-network|systemd|\.md$/.test(found)) return found;
    const { domain, subdomain, isIcann } = parse(found);
    if (domain === null || isIcann !== true) return found;
    const labels = (subdomain ?? '').split('.').filter((label) => label !== '');
    const below = labels.map((label) => (label === '*' ? label : `name-${this.#labels.of(label.toLowerCase())}`));
    return [...below, `domain-${this.#domains.of(domain.toLowerCase())}`, 'example'].join('.');
  }
}

/** From 1, in the order in which they are met. */
class Numbers {
  readonly #known = new Map<string, number>();

  of(text: string): number {
    const number = this.#known.get(text) ?? this.#known.size + 1;
    this.#known.set(text, number);
    return number;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** MAC addresses, UUIDs, addresses of IPv6 and of IPv4. */
const numberPatterns = [
  '(?<![\\w:])(?<mac>(?:[\\da-fA-F]{2}:){5}[\\da-fA-F]{2})(?![\\w:])',
  '(?<![\\w-])(?<uuid>[\\da-fA-F]{8}(?:-[\\da-fA-F]{4}){3}-[\\da-fA-F]{12})(?![\\w-])',
  '(?<![\\w:.])(?:[\\da-fA-F]{0,4}:){2,8}(?:\\d{1,3}(?:\\.\\d{1,3}){3}|[\\da-fA-F]{0,4})(?:/\\d{1,3})?(?![\\w])',
  '(?<![\\w.])\\d{1,3}(?:\\.\\d{1,3}){3}(?:/\\d{1,2})?(?!\\w|\\.\\d)',
];
const domainPattern =
  '(?<![\\w.-])(?<domain>(?:[a-zA-Z\\d_](?:[\\w-]{0,61}[a-zA-Z\\d])?\\.)+[a-zA-Z][a-zA-Z\\d-]{1,62})(?![\\w-]|\\.\\w)';

/** The longest name first. */
function patternOf(names: readonly string[], others: readonly string[]): RegExp {
  const words = names.toSorted((one, other) => other.length - one.length).map(RegExp.escape);
  const named = words.length === 0 ? [] : [`(?<![\\p{L}\\p{N}_-])(?<name>${words.join('|')})(?![\\p{L}\\p{N}_-])`];
  return new RegExp([...named, ...others].join('|'), 'gu');
}
