/** `work` such that callers during a run share that run and its outcome; the next call after it starts anew. */
export function inFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work().finally(() => {
      running = undefined;
    });
    return running;
  };
}
