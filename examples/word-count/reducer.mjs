/** Adds up the counts of a word. */
export function reduce(word, counts, emit) {
  let sum = 0;
  for (const count of counts) sum += Number(count);
  emit(word, sum);
}

/** A combiner is a reducer whose output can be reduced again. */
export const combine = reduce;
