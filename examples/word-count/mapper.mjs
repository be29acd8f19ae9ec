/** Emits each word of the line, in lower case, with a one. */
export function map(line, emit) {
  for (const word of line.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) emit(word, 1);
}
