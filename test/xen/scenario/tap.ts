/** Checks one after the other, as TAP on standard output. */

const startedAt = performance.now();
let number = 0;

/** A failure is a result; what comes after goes on. Returns whether it passed. */
export async function check(name: string, run: () => Promise<void>): Promise<boolean> {
  number += 1;
  try {
    await run();
    say(`ok ${number} - ${name}`);
    return true;
  } catch (error) {
    say(`not ok ${number} - ${name}`);
    note(explain(error));
    return false;
  } finally {
    note(`${Math.round(performance.now() - startedAt) / 1000} s`);
  }
}

export function note(text: string): void {
  for (const line of text.trimEnd().split('\n')) say(`# ${line}`);
}

/** Says that nothing is missing. */
export function end(): void {
  say(`1..${number}`);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\ncause: ${explain(error.cause)}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
