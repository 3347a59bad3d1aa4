import { decodeTransactionId, encodeStrings } from './body.ts';
import { hasErrno, XenstoreError } from './errors.ts';
import { MessageType } from './frame.ts';
import { type Request, Store } from './store.ts';

/** Outcome of a transaction's body: `commit` makes it count and proves that what was read belongs together. */
export type Ending<T> = { readonly end: 'commit' | 'abort'; readonly value: T };

/**
 * Runs `body` in a transaction. Where xenstored answers EAGAIN to the commit, because somebody changed what was read,
 * it runs again, `attempts` times at most; then the EAGAIN is thrown. Where `body` throws, the transaction is aborted.
 */
export async function runTransaction<T>(
  request: Request,
  body: (store: Store) => Promise<Ending<T>>,
  attempts: number,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(request, body);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (attempt >= attempts) throw error.cause;
    }
  }
}

/** EAGAIN to the commit itself, told apart from one that `body` threw. */
class Conflict extends Error {}

async function runOnce<T>(request: Request, body: (store: Store) => Promise<Ending<T>>): Promise<T> {
  const id = decodeTransactionId(await request(MessageType.transactionStart, 'TRANSACTION_START', encodeStrings('')));
  let ending: Ending<T>;
  try {
    ending = await body(new Store(request, id));
  } catch (error) {
    await abortAfter(request, id, error);
    throw error;
  }
  try {
    await end(request, id, ending.end);
  } catch (error) {
    throw hasErrno(error, 'EAGAIN') && ending.end === 'commit' ? new Conflict('commit', { cause: error }) : error;
  }
  return ending.value;
}

/** The first failure is the one to report; one of the abort after it joins it, unless both say that the connection broke. */
async function abortAfter(request: Request, id: number, failure: unknown): Promise<void> {
  try {
    await end(request, id, 'abort');
  } catch (error) {
    if (error instanceof XenstoreError && error.errno === undefined) return;
    const cause = new AggregateError([failure, error]);
    throw new XenstoreError('unexpected', 'a transaction failed and could not be aborted', { cause });
  }
}

/** Never twice for one id: older kernels stop the machine (BUG_ON) at the end of a transaction that the device does not know. */
async function end(request: Request, id: number, how: Ending<unknown>['end']): Promise<void> {
  const what = `TRANSACTION_END (${how})`;
  await request(MessageType.transactionEnd, what, encodeStrings(how === 'commit' ? 'T' : 'F'), id);
}
