/** Runs of this many are sorted by insertion, which is the fastest for so few. */
const smallRun = 12;

/**
 * Sorts `items[start, end)`, stably: equal ones keep their order.
 * @param spare as long as `items`, overwritten there
 * @param compare below 0 where the first belongs first
 */
export function mergeSort(
  items: Uint32Array,
  spare: Uint32Array,
  start: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  for (let run = start; run < end; run += smallRun) insertionSort(items, run, Math.min(run + smallRun, end), compare);
  let from = items;
  let to = spare;
  for (let width = smallRun; width < end - start; width *= 2) {
    for (let left = start; left < end; left += 2 * width) {
      mergeRuns(from, to, left, Math.min(left + width, end), Math.min(left + 2 * width, end), compare);
    }
    [from, to] = [to, from];
  }
  if (from !== items) items.set(from.subarray(start, end), start);
}

function insertionSort(
  items: Uint32Array,
  start: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  for (let next = start + 1; next < end; next++) {
    const item = items[next] ?? 0;
    let place = next;
    for (; place > start; place--) {
      const before = items[place - 1] ?? 0;
      if (compare(before, item) <= 0) break;
      items[place] = before;
    }
    items[place] = item;
  }
}

/** Merges the sorted `from[start, middle)` and `from[middle, end)`. */
function mergeRuns(
  from: Uint32Array,
  to: Uint32Array,
  start: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  if (middle >= end || compare(from[middle - 1] ?? 0, from[middle] ?? 0) <= 0) {
    to.set(from.subarray(start, end), start);
    return;
  }
  let left = start;
  let right = middle;
  for (let target = start; target < end; target++) {
    const a = from[left] ?? 0;
    const b = from[right] ?? 0;
    const takeLeft = right === end || (left < middle && compare(a, b) <= 0);
    to[target] = takeLeft ? a : b;
    if (takeLeft) left++;
    else right++;
  }
}
