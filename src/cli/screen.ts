/** A terminal taken over for a while: an alternate screen that is redrawn, and given back however it ends. */

/** Private modes of xterm and everything since: alternate screen with saved cursor, and the cursor's visibility. */
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** q, Q, and what Ctrl-C and Ctrl-D send in raw mode. */
const endingKeys = ['q', 'Q', '\x03', '\x04'];

export interface Screen {
  draw(lines: readonly string[]): void;
  /** Aborted when the person or a signal asks for the end. */
  readonly ended: AbortSignal;
}

/** Runs `use` on the alternate screen; the terminal is as before when it returns or throws. */
export async function onScreen(use: (screen: Screen) => Promise<void>): Promise<void> {
  const { stdin, stdout } = process;
  const ending = new AbortController();
  const end = () => ending.abort();
  const onKeys = (keys: Buffer) => {
    if (endingKeys.some((key) => keys.includes(key))) end();
  };
  const restore = () => stdout.write(leave);
  // An exit that goes round the finally below, as the one for a closed output does.
  process.once('exit', restore);
  for (const signal of endingSignals) process.on(signal, end);
  if (stdin.isTTY) stdin.setRawMode(true).on('data', onKeys).on('end', end).resume();
  stdout.write(enter);
  try {
    await use({ ended: ending.signal, draw: (lines) => stdout.write(frame(lines, stdout.rows)) });
  } finally {
    if (stdin.isTTY) stdin.off('data', onKeys).off('end', end).setRawMode(false).pause();
    for (const signal of endingSignals) process.off(signal, end);
    process.off('exit', restore);
    restore();
  }
}

/** One write per frame, over the last one: nothing flickers. */
function frame(lines: readonly string[], rows: number): string {
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
  return `${home}${shown.map((line) => `${line}${clearLine}`).join('\r\n')}${clearBelow}`;
}
