// A bound on waiting for somebody else's promise.

/** The promise's outcome, or a rejection after that long. */
export function withDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), deadlineMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
