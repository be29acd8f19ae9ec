/** Lines are sorted as they are, in whatever encoding. */
export const encoding = "bytes";

/** Makes the line the key: the shuffle sorts keys by their bytes. */
export function map(line, emit) {
  emit(line);
}

/** Writes the line as often as it was there. With a single reducer the output is sorted as a whole. */
export function reduce(line, occurrences, emit) {
  for (const _ of occurrences) emit(line);
}
