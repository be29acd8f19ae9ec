#include "../../../client/wasm/c/edgefold.h"

static int is_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Emits each word of a line with the value 1. */
static void map(edgefold_text line) {
  const char *end = line.at + line.length;
  for (const char *word = line.at; word < end;) {
    const char *word_end = word;
    while (word_end < end && !is_space(*word_end)) word_end++;
    if (word_end > word) edgefold_emit(edgefold_text_of(word, (size_t)(word_end - word)), EDGEFOLD_TEXT("1"));
    word = word_end + 1;
  }
}

static int64_t sum;

static void add(edgefold_text word, edgefold_text value) {
  sum += edgefold_parse_number(value);
}

/* Emits a word with the sum of its values. */
static void end(edgefold_text word) {
  edgefold_emit_number(word, sum);
  sum = 0;
}

EDGEFOLD_MAP_LINES(map, NULL)
EDGEFOLD_REDUCE(NULL, add, end, NULL)
EDGEFOLD_COMBINE(NULL, add, end, NULL)
