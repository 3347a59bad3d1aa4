/**
 * An entry in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL). Pure. A value may hold anything, line
 * ends included: it is written with its length then, and can never become another field.
 */

/** Values by field name; a list gives the field several times, each of which `journalctl FIELD=VALUE` finds. */
export type JournalFields = Readonly<Record<string, string | readonly string[]>>;

/** A datagram has to fit into net.core.wmem_default, 212,992 bytes where nobody changed it. */
const maxBytes = 128 * 1024;
/** All but the message are for matching; journalctl leaves longer values than 4096 bytes out of its JSON. */
const maxValueBytes = 2048;
const maxMessageBytes = 48 * 1024;
/** What journald takes for a field's name, without a leading underscore, which is its own. */
const fieldName = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Throws for a name that journald would leave out; what is too long is cut. */
export function encodeEntry(fields: JournalFields): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (!fieldName.test(name)) throw new Error(`'${name}' is no field of the journal`);
    for (const each of typeof value === 'string' ? [value] : value) {
      const part = encodeField(name, cut(each, name === 'MESSAGE' ? maxMessageBytes : maxValueBytes));
      if (size + part.length > maxBytes) return Buffer.concat(parts);
      parts.push(part);
      size += part.length;
    }
  }
  return Buffer.concat(parts);
}

function encodeField(name: string, value: Buffer): Buffer {
  const end = Buffer.from('\n');
  if (!value.includes(end)) return Buffer.concat([Buffer.from(`${name}=`), value, end]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, end]);
}

/** At most so many bytes of UTF-8, and no half character. */
function cut(text: string, bytes: number): Buffer {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return whole;
  let end = bytes;
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return whole.subarray(0, end);
}
