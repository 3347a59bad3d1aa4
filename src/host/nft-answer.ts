/**
 * Reads what `nft -j` prints: JSON documents one after the other, without separators, and error messages as text in
 * between. Checked against nft 1.0.6; the shapes are those of libnftables-json(5).
 */
import { ProtectNetworkError } from '../model/errors.ts';
import type { NftObject } from './port.ts';

export interface NftAnswer {
  /** Objects of listings, in order, without `metainfo`. */
  readonly listed: readonly NftObject[];
  /** Objects that add and insert commands echoed, in order. */
  readonly echoed: readonly NftObject[];
  /** nft's error messages, empty where there were none. */
  readonly complaint: string;
}

/** A quote inside a JSON string is always escaped, so this can only be the start of a document. */
const documentStart = '{"nftables": ';

export function parseAnswer(text: string): NftAnswer {
  const listed: NftObject[] = [];
  const echoed: NftObject[] = [];
  const [before = '', ...parts] = text.split(documentStart);
  const complaints = [before];
  for (const part of parts) {
    // An error message, if any, begins on a line of its own after the document, which is one line long.
    const end = documentEnd(part);
    complaints.push(part.slice(end));
    for (const object of parseDocument(documentStart + part.slice(0, end))) {
      const echo = object['add'] ?? object['insert'];
      if (isObject(echo)) echoed.push(echo);
      else if (!('metainfo' in object) && !('list' in object) && !isCommand(object)) listed.push(object);
    }
  }
  return { listed, echoed, complaint: complaints.join('').trim() };
}

const commandKeys = new Set(['delete', 'flush', 'create', 'replace', 'reset', 'rename', 'destroy']);

function isCommand(object: NftObject): boolean {
  return Object.keys(object).some((key) => commandKeys.has(key));
}

/** The offset after the document's last brace: the line's end, or where an unbuffered complaint cuts in. */
function documentEnd(part: string): number {
  const newline = part.indexOf('\n');
  const line = newline < 0 ? part : part.slice(0, newline);
  return line.lastIndexOf('}') + 1;
}

function parseDocument(text: string): NftObject[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ProtectNetworkError('garbled', `nft printed JSON that cannot be read: ${text.slice(0, 200)}`, {
      cause: error,
    });
  }
  const objects = isObject(parsed) ? parsed['nftables'] : undefined;
  if (!Array.isArray(objects)) throw new ProtectNetworkError('garbled', 'nft printed JSON without a list "nftables"');
  return objects.filter(isObject);
}

function isObject(value: unknown): value is NftObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
