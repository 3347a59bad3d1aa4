/** The number of a group (group(5)). */
import { readFileSync } from 'node:fs';

/** Undefined where there is none of that name in /etc/group. */
export function groupNumber(name: string): number | undefined {
  let text: string;
  try {
    text = readFileSync('/etc/group', 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
  const line = text.split('\n').find((each) => each.startsWith(`${name}:`));
  const number = Number(line?.split(':')[2]);
  return Number.isSafeInteger(number) ? number : undefined;
}
