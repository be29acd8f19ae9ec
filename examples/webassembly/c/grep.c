#include "../../../client/wasm/c/edgefold.h"

/* The text to look for: the program's argument. */
static edgefold_text wanted;

static void read_argument(void) {
  const char *argument = edgefold_argument(0);
  if (argument == NULL || *argument == 0 || edgefold_argument(1) != NULL) {
    edgefold_fail("the argument must be the text to look for");
  }
  wanted.at = argument;
  while (argument[wanted.length] != 0) wanted.length++;
}

static bool begins_with(const char *at, edgefold_text text) {
  for (size_t i = 0; i < text.length; i++) {
    if (at[i] != text.at[i]) return false;
  }
  return true;
}

static bool contains(edgefold_text line, edgefold_text text) {
  while (line.length >= text.length) {
    size_t skipped = edgefold_find(line, *text.at);
    if (skipped + text.length > line.length) return false;
    if (begins_with(line.at + skipped, text)) return true;
    line = edgefold_text_of(line.at + skipped + 1, line.length - skipped - 1);
  }
  return false;
}

/* Emits the lines that contain the text. */
static void map(edgefold_text line) {
  if (wanted.length == 0) read_argument();
  if (contains(line, wanted)) edgefold_emit(line, EDGEFOLD_TEXT(""));
}

EDGEFOLD_MAP_LINES(map, NULL)
