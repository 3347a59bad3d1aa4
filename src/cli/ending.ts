/** For commands that go on until they are told to end. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** What setTimeout can wait for at most. */
const longestMs = 2 ** 31 - 1;

/** Resolves at a signal that asks for the end. Keeps the process until then: a netlink socket alone does not. */
export function untilEnded(): Promise<void> {
  return new Promise((resolve) => {
    const awake = setInterval(() => undefined, longestMs);
    const end = () => {
      clearInterval(awake);
      for (const signal of signals) process.off(signal, end);
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
  });
}
