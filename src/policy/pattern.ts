/** Patterns of names: `api.example.com`, `*.example.com`, `**.example.com`. Pure but for the list of public suffixes. */
import { domainToASCII } from 'node:url';
import { maxNameLength } from './messages.ts';
import type { NamePattern } from './model.ts';

/** RFC 1035 2.3.4. */
const maxLabelLength = 63;
const wildcards = { '*.': 'one', '**.': 'some' } as const;

/**
 * The pattern, or what is wrong with it and what was expected, to be put behind the text. Letters may be of either case,
 * and a last dot may be there; neither is in the pattern.
 */
export function parsePattern(text: string): NamePattern | string {
  const [front = '' as const] = (/^\*\*?\./.exec(text) ?? []) as (keyof typeof wildcards)[];
  const rest = text.slice(front.length);
  const base = rest.toLowerCase().replace(/\.$/, '');
  const wrong = whyNotBase(base, front);
  if (wrong !== undefined) return wrong;
  return { base, labels: front === '' ? 'none' : wildcards[front], text: `${front}${base}` };
}

/** Whether `name`, in lower case without a last dot, fits. Whatever stands in front of it is taken for labels. */
export function matchesPattern({ base, labels }: NamePattern, name: string): boolean {
  if (labels === 'none') return name === base;
  const front = name.length - base.length - 1;
  if (front < 1 || !name.endsWith(base) || name[front] !== '.') return false;
  return labels === 'some' || !name.slice(0, front).includes('.');
}

/**
 * Who hands out the names that a wildcard is about: `registry`, where its base is a top-level domain or a suffix such as
 * `co.uk`, under which anybody can have a name of his own; `provider`, where it is a provider's, such as `github.io`, under
 * which customers can; undefined where it is neither (publicsuffix.org). The list takes 10 MB: it is loaded when a wildcard asks.
 */
export async function suffixKind({ base, labels }: NamePattern): Promise<'registry' | 'provider' | undefined> {
  if (labels === 'none') return undefined;
  if (!base.includes('.')) return 'registry';
  const { getPublicSuffix } = await import('tldts');
  if (getPublicSuffix(base) === base) return 'registry';
  return getPublicSuffix(base, { allowPrivateDomains: true }) === base ? 'provider' : undefined;
}

function whyNotBase(base: string, front: string): string | undefined {
  if (/[^\p{ASCII}]/u.test(base)) return whyNotAscii(base, front);
  if (base.includes('*'))
    return 'has a wildcard that is no label of its own at the front; expected one such as "*.example.com"';
  const odd = /[^a-z0-9._-]/.exec(base)?.[0];
  if (odd !== undefined) return `has ${JSON.stringify(odd)} in a name; expected letters, digits, "-", "_" and dots`;
  const labels = base.split('.');
  if (labels.includes('')) return 'has an empty label; expected a name such as "api.example.com"';
  const long = labels.find((label) => label.length > maxLabelLength);
  if (long !== undefined) return `has a label of ${long.length} characters; expected at most ${maxLabelLength}`;
  const length = base.length + front.length;
  if (length > maxNameLength) return `is a name of ${length} characters; expected at most ${maxNameLength}`;
  // Programs read `10.0.0.256` and `0x7f.1` as addresses (inet_aton); no top-level domain is a number.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return 'is neither an address nor a name';
  return undefined;
}

function whyNotAscii(base: string, front: string): string {
  const ascii = domainToASCII(base);
  if (!/^[a-z0-9._-]+$/.test(ascii)) return 'has letters that no name has; expected one such as "api.example.com"';
  return `has letters beyond ASCII; expected the name as DNS has it, "${front}${ascii}"`;
}
