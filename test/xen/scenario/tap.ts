/** Checks one after the other, as TAP on standard output. */

const startedAt = performance.now();
let number = 0;
/** While a negative control runs: how its checks went. */
let control: { readonly passed: string[]; readonly failed: string[] } | undefined;

/** A failure is a result; what comes after goes on. Returns whether it passed. */
export async function check(name: string, run: () => Promise<void>): Promise<boolean> {
  if (control !== undefined) return tried(control, name, run);
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

/** Runs checks of which none counts, and returns the names of those that passed and of those that failed. */
export async function inVain(checks: () => Promise<void>): Promise<{ passed: string[]; failed: string[] }> {
  const outcome = { passed: [], failed: [] };
  control = outcome;
  try {
    await checks();
  } finally {
    control = undefined;
  }
  return outcome;
}

async function tried(into: NonNullable<typeof control>, name: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    into.passed.push(name);
    return true;
  } catch {
    into.failed.push(name);
    return false;
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
