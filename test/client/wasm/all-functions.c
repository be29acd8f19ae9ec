/* Uses what the examples do not. */
#include "../../../client/wasm/c/edgefold.h"

static int64_t lines;

static edgefold_text text_of(const char *string) {
  size_t length = 0;
  while (string[length] != 0) length++;
  return edgefold_text_of(string, length);
}

static char found[1000];

/* Appends a text to what was found. Returns where it ends. */
static size_t append(size_t at, edgefold_text text) {
  for (size_t i = 0; i < text.length; i++) found[at + i] = text.at[i];
  found[at + text.length] = '|';
  return at + text.length + 1;
}

static void map(edgefold_text line) {
  if (line.length == 4) edgefold_fail("no column 7");
  if (line.length == 5) __builtin_trap();
  lines++;
  edgefold_log("said");
  edgefold_status("at work");
  edgefold_counter("group", "n\xc3\xa4me", -3);
  size_t at = 0;
  const char *argument;
  for (size_t i = 0; (argument = edgefold_argument(i)) != NULL; i++) at = append(at, text_of(argument));
  if (edgefold_variable("EDGEFOLD_TAS") != NULL) edgefold_fail("there is a variable of another name");
  at = append(at, text_of(edgefold_variable("EDGEFOLD_TASK")));
  at = append(at, text_of(edgefold_input_path()));
  edgefold_emit(edgefold_text_of(found, at - 1), EDGEFOLD_TEXT(""));
}

static void end(void) {
  edgefold_emit_number(EDGEFOLD_TEXT("lines"), lines);
}

static void start_key(edgefold_text key) {
  edgefold_emit(EDGEFOLD_TEXT("start"), key);
}

/* Emits a value as a number. */
static void take(edgefold_text key, edgefold_text value) {
  edgefold_emit_number(key, edgefold_parse_number(value));
}

static void end_key(edgefold_text key) {
  edgefold_emit(EDGEFOLD_TEXT("end"), key);
}

static void end_all(void) {
  edgefold_emit(EDGEFOLD_TEXT("all"), EDGEFOLD_TEXT(""));
}

EDGEFOLD_MAP_LINES(map, end)
EDGEFOLD_REDUCE(start_key, take, end_key, end_all)
