const waiting: (() => void)[] = [];
let isUnderWay = false;

const runNext = (): void => {
  waiting.shift()?.();
  // What follows from it without a wait comes before the next one.
  if (waiting.length > 0) queueMicrotask(() => process.nextTick(runNext));
  else isUnderWay = false;
};

/** Calls back, in order, when all is through that needs no wait; as `setImmediate`, and in a fraction of its time. */
export const afterTurn = (callback: () => void): void => {
  waiting.push(callback);
  if (isUnderWay) return;
  isUnderWay = true;
  process.nextTick(runNext);
};
