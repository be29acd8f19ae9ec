#include "../../../client/wasm/c/edgefold.h"

/* Emits each line as a key. */
static void map(edgefold_text line) {
  edgefold_emit(line, EDGEFOLD_TEXT(""));
}

EDGEFOLD_MAP_LINES(map, NULL)
/* Emits each line as often as it came. */
EDGEFOLD_REDUCE(NULL, edgefold_emit, NULL, NULL)
