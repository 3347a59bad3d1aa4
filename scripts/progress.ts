/** What takes longer than a second says so on a terminal, and nowhere else: logs are not to be full of it. */

/** While `work` takes, a line with the seconds that have passed; it goes when the work is done. */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  const { stderr, env } = process;
  if (!stderr.isTTY || env['TERM'] === 'dumb') return work();
  const began = performance.now();
  const clear = () => stderr.write('\r\u001b[K');
  const timer = setInterval(() => {
    clear();
    stderr.write(`${what} … ${Math.round((performance.now() - began) / 1000)} s`);
  }, 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    clear();
  }
}
