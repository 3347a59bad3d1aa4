/** A terminal taken over for a while: an alternate screen that is redrawn, keys, and all of it given back however it ends. */
import { emitKeypressEvents, type Interface, type Key } from 'node:readline';
import { endingSignals } from './ending.ts';

/** Private modes of xterm and everything since: alternate screen with saved cursor, and the cursor's visibility. */
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';

/** After Esc alone: the rest of a key's sequence comes at once, also by a slow line. */
const escapeMs = 50;

export interface Screen {
  draw(lines: readonly string[]): void;
  /** Aborted when a signal asks for the end, or the terminal is gone. */
  readonly ended: AbortSignal;
}

export interface ScreenEvents {
  /** A character, or `up`, `enter`, `escape`, `ctrl-c` and their like. */
  readonly key: (key: string) => void;
  /** What is on the screen has another size, or is gone. */
  readonly redraw: () => void;
}

/** Runs `use` on the alternate screen; the terminal is as before when it returns or throws, and while the process is stopped. */
export async function onScreen(use: (screen: Screen) => Promise<void>, events: ScreenEvents): Promise<void> {
  const { stdin, stdout } = process;
  const ending = new AbortController();
  const end = () => ending.abort();
  const take = () => {
    if (stdin.isTTY) stdin.setRawMode(true);
    stdout.write(enter);
  };
  const restore = () => {
    stdout.write(leave);
    if (stdin.isTTY) stdin.setRawMode(false);
  };
  const stop = () => {
    restore();
    // Not SIGTSTP, which would come back here: the shell is told the same.
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = () => {
    take();
    events.redraw();
  };
  const onKey = (character: string | undefined, key: Key) => {
    const name = keyName(character, key);
    // As the terminal does it outside of raw mode: to all of the job, of which sudo may be a part.
    if (name === 'ctrl-z') process.kill(0, 'SIGTSTP');
    else if (name !== undefined) events.key(name);
  };
  // An exit that goes round the finally below, as the one for a closed output does.
  process.once('exit', restore);
  for (const signal of endingSignals) process.on(signal, end);
  process.on('SIGTSTP', stop).on('SIGCONT', resume);
  stdout.on('resize', events.redraw);
  if (stdin.isTTY) {
    emitKeypressEvents(stdin, { escapeCodeTimeout: escapeMs } as unknown as Interface);
    stdin.on('keypress', onKey).on('end', end).resume();
  }
  take();
  try {
    await use({ ended: ending.signal, draw: (lines) => stdout.write(frame(lines, stdout.rows)) });
  } finally {
    if (stdin.isTTY) stdin.off('keypress', onKey).off('end', end).pause();
    stdout.off('resize', events.redraw);
    process.off('SIGTSTP', stop).off('SIGCONT', resume);
    for (const signal of endingSignals) process.off(signal, end);
    process.off('exit', restore);
    restore();
  }
}

const namedKeys = new Set(['up', 'down', 'left', 'right', 'home', 'end', 'pageup', 'pagedown', 'escape', 'backspace']);

/** Undefined for a key that nobody here means anything by. */
function keyName(character: string | undefined, { name, ctrl, meta }: Key): string | undefined {
  if (name === 'return' || name === 'enter') return 'enter';
  if (name !== undefined && ctrl === true) return `ctrl-${name}`;
  if (name !== undefined && namedKeys.has(name)) return name;
  return meta === true || character === undefined || /\p{C}/u.test(character) ? undefined : character;
}

/** One write per frame, over the last one: nothing flickers. Lines are cleared first: behind one that is full the cursor is on its end. */
function frame(lines: readonly string[], rows: number): string {
  const shown = rows > 0 ? lines.slice(0, rows) : lines;
  return `${home}${shown.map((line) => `${clearLine}${line}`).join('\r\n')}${clearBelow}`;
}
