/** For commands that go on until they are told to end, or may be told to before they are done. */

/** Signals that ask for the end. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What setTimeout can wait for at most. */
const longestMs = 2 ** 31 - 1;

/**
 * Runs `use` with what such a signal aborts, and goes on until it is done: whatever it has begun is taken away, however it ends.
 *
 * Hazard: a listener must not remove itself as it is called. While a child of execa's runs, that has one of its own (signal-exit
 * 4.1.0), which kills this process by the signal where it finds itself the only one left.
 */
export async function endable<T>(use: (ending: AbortController) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const signal of endingSignals) process.on(signal, end);
  try {
    return await use(ending);
  } finally {
    for (const signal of endingSignals) process.off(signal, end);
  }
}

/** Keeps the process until then: a netlink socket alone does not. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const awake = setInterval(() => undefined, longestMs);
    signal.addEventListener('abort', () => {
      clearInterval(awake);
      resolve();
    });
  });
}
