/*
 * Edgefold's interface for programs in WebAssembly, version 1, for C11 and C++17. Copy this file beside your program, include
 * it in one source file, and export what the program is used for by EDGEFOLD_MAP_LINES or EDGEFOLD_MAP_BATCHES,
 * EDGEFOLD_REDUCE and EDGEFOLD_COMBINE. It needs no C library, and works with one.
 *
 * Lines, keys and values are bytes of the batch: nothing is decoded or copied unless you do.
 */
#ifndef EDGEFOLD_H
#define EDGEFOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

#ifdef __cplusplus
#define EDGEFOLD_C extern "C"
#else
#define EDGEFOLD_C
#endif
#define EDGEFOLD_IMPORT(name) EDGEFOLD_C __attribute__((import_module("edgefold"), import_name(#name)))
#define EDGEFOLD_EXPORT(name) EDGEFOLD_C __attribute__((export_name(#name)))
/* What calls functions of the program, or is called for each record, is to become one with them. */
#define EDGEFOLD_INLINE static inline __attribute__((always_inline))
#define EDGEFOLD_UNUSED static __attribute__((unused))

/* Bytes without an end mark. Those of a batch are valid until the function that was called with them returns. */
typedef struct {
  const char *at;
  size_t length;
} edgefold_text;

EDGEFOLD_INLINE edgefold_text edgefold_text_of(const char *at, size_t length) {
  edgefold_text text;
  text.at = at;
  text.length = length;
  return text;
}

/* The text of a literal, such as EDGEFOLD_TEXT("1"). */
#define EDGEFOLD_TEXT(literal) edgefold_text_of(literal, sizeof(literal) - 1)

EDGEFOLD_IMPORT(emit) void edgefold_host_emit(const char *at, size_t length);
EDGEFOLD_IMPORT(counter)
void edgefold_host_counter(const char *group, size_t group_length, const char *name, size_t name_length, int64_t amount);
EDGEFOLD_IMPORT(status) void edgefold_host_status(const char *at, size_t length);
EDGEFOLD_IMPORT(log) void edgefold_host_log(const char *at, size_t length);
EDGEFOLD_IMPORT(fail) __attribute__((noreturn)) void edgefold_host_fail(const char *at, size_t length);
EDGEFOLD_IMPORT(arguments) size_t edgefold_host_arguments(char *at, size_t room);
EDGEFOLD_IMPORT(environment) size_t edgefold_host_environment(char *at, size_t room);
EDGEFOLD_IMPORT(input_path) size_t edgefold_host_input_path(char *at, size_t room);

enum {
  /* Bytes that are emitted at a time. */
  edgefold_output_room = 64 * 1024,
  /* How many bytes short texts are copied at a time, and so how many more than theirs may be read and written. */
  edgefold_step = 16,
  /* Texts of up to so many bytes are copied in steps, which takes less time than a call of memory.copy. */
  edgefold_short_text = 128,
  /* The most bytes of the two lengths of a record. */
  edgefold_lengths = 10,
  edgefold_page = 64 * 1024,
};

/* Memory that grows by whole pages, so that neither a C library is needed nor one disturbed. None is given back. */
typedef struct {
  char *at;
  /* Bytes. Behind them is one step. */
  size_t room;
} edgefold_buffer;

static char edgefold_output[edgefold_output_room + edgefold_step];
static size_t edgefold_emitted;
static edgefold_buffer edgefold_batch;
static edgefold_buffer edgefold_long_record;

EDGEFOLD_UNUSED size_t edgefold_length_of(const char *string) {
  size_t length = 0;
  /* Compilers make a call of strlen out of a plain loop, and without a C library there is none. */
  for (const volatile char *at = string; *at != 0; at++) length++;
  return length;
}

/* Ends the attempt with an error. */
EDGEFOLD_UNUSED __attribute__((noreturn)) void edgefold_fail(const char *message) {
  edgefold_host_fail(message, edgefold_length_of(message));
}

/* Adds to a counter of the job. */
EDGEFOLD_UNUSED void edgefold_counter(const char *group, const char *name, int64_t amount) {
  edgefold_host_counter(group, edgefold_length_of(group), name, edgefold_length_of(name), amount);
}

/* Says what the task is doing. */
EDGEFOLD_UNUSED void edgefold_status(const char *text) {
  edgefold_host_status(text, edgefold_length_of(text));
}

/* Writes a line to the attempt's log. */
EDGEFOLD_UNUSED void edgefold_log(const char *line) {
  edgefold_host_log(line, edgefold_length_of(line));
  edgefold_host_log("\n", 1);
}

/* Makes room for so many bytes. What was there before is lost. Fails the attempt if there is no more memory. */
EDGEFOLD_UNUSED void edgefold_reserve(edgefold_buffer *buffer, size_t length) {
  if (length <= buffer->room) return;
  /* As nothing is given back, this must not happen often. */
  size_t wanted = length > 2 * buffer->room ? length : 2 * buffer->room;
  size_t pages = (wanted + edgefold_step + edgefold_page - 1) / edgefold_page;
  size_t first = __builtin_wasm_memory_grow(0, pages);
  if (first == SIZE_MAX) edgefold_fail("there is no more memory");
  buffer->at = (char *)(first * edgefold_page);
  buffer->room = pages * edgefold_page - edgefold_step;
}

/* Hands over what was emitted. */
EDGEFOLD_UNUSED void edgefold_flush(void) {
  if (edgefold_emitted > 0) edgefold_host_emit(edgefold_output, edgefold_emitted);
  edgefold_emitted = 0;
}

/* Writes the length of a text, and the text. Returns where it ends. There is room for both, and one step more. */
EDGEFOLD_INLINE char *edgefold_put(char *to, edgefold_text text) {
  size_t rest = text.length;
  for (; rest >= 0x80; rest >>= 7) *to++ = (char)(rest | 0x80);
  *to++ = (char)rest;
  if (text.length <= edgefold_short_text && (uintptr_t)text.at - (uintptr_t)edgefold_batch.at < edgefold_batch.room) {
    /* What is copied too much is overwritten, or lies behind the room. */
    size_t copied = 0;
    do {
      __builtin_memcpy(to + copied, text.at + copied, edgefold_step);
      copied += edgefold_step;
    } while (copied < text.length);
  } else {
    __builtin_memcpy(to, text.at, text.length);
  }
  return to + text.length;
}

EDGEFOLD_UNUSED __attribute__((noinline)) void edgefold_emit_long(edgefold_text key, edgefold_text value) {
  edgefold_reserve(&edgefold_long_record, key.length + value.length + edgefold_lengths);
  char *end = edgefold_put(edgefold_put(edgefold_long_record.at, key), value);
  edgefold_host_emit(edgefold_long_record.at, (size_t)(end - edgefold_long_record.at));
}

/* Emits a record. */
EDGEFOLD_INLINE void edgefold_emit(edgefold_text key, edgefold_text value) {
  size_t most = key.length + value.length + edgefold_lengths;
  if (most > edgefold_output_room - edgefold_emitted) {
    edgefold_flush();
    if (most > edgefold_output_room) {
      edgefold_emit_long(key, value);
      return;
    }
  }
  char *end = edgefold_put(edgefold_put(edgefold_output + edgefold_emitted, key), value);
  edgefold_emitted = (size_t)(end - edgefold_output);
}

/* Emits a record whose value is a decimal number. */
EDGEFOLD_UNUSED void edgefold_emit_number(edgefold_text key, int64_t value) {
  char text[20];
  char *at = text + sizeof text;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (value < 0) *--at = '-';
  edgefold_emit(key, edgefold_text_of(at, (size_t)(text + sizeof text - at)));
}

/* Reads a decimal number of 64 bits. Fails the attempt for anything else. */
EDGEFOLD_UNUSED int64_t edgefold_parse_number(edgefold_text text) {
  bool is_negative = text.length > 0 && *text.at == '-';
  bool is_number = text.length > (is_negative ? 1 : 0);
  uint64_t value = 0;
  for (size_t i = is_negative ? 1 : 0; i < text.length; i++) {
    uint8_t digit = (uint8_t)(text.at[i] - '0');
    is_number = is_number && digit < 10 && value <= INT64_MAX / 10;
    value = value * 10 + digit;
  }
  if (!is_number || value > (uint64_t)INT64_MAX + (is_negative ? 1 : 0)) edgefold_fail("a value is no number of 64 bits");
  return (int64_t)(is_negative ? 0 - value : value);
}

/* Looks for a byte. Returns where it is, or the length of the text if it is nowhere. */
EDGEFOLD_INLINE size_t edgefold_find(edgefold_text text, char byte) {
  size_t at = 0;
#ifdef __wasm_simd128__
  v128_t wanted = wasm_i8x16_splat(byte);
  for (; at + 16 <= text.length; at += 16) {
    uint32_t found = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(text.at + at), wanted));
    if (found != 0) return at + (size_t)__builtin_ctz(found);
  }
#endif
  while (at < text.length && text.at[at] != byte) at++;
  return at;
}

/* Takes the next line of a batch, without its newline. Returns whether there is one. */
EDGEFOLD_INLINE bool edgefold_next_line(edgefold_text *batch, edgefold_text *line) {
  if (batch->length == 0) return false;
  size_t length = edgefold_find(*batch, '\n');
  size_t taken = length < batch->length ? length + 1 : length;
  *line = edgefold_text_of(batch->at, length);
  *batch = edgefold_text_of(batch->at + taken, batch->length - taken);
  return true;
}

/* Reads texts that each end with a zero byte, once. Returns where they begin; behind the last one is another zero byte. */
EDGEFOLD_UNUSED const char *edgefold_given(edgefold_buffer *buffer, size_t (*read)(char *at, size_t room)) {
  if (buffer->room == 0) {
    size_t length = read(NULL, 0);
    edgefold_reserve(buffer, length + 1);
    read(buffer->at, length);
    buffer->at[length] = 0;
  }
  return buffer->at;
}

/* The program's argument of a number, from 0; NULL if it has fewer. */
EDGEFOLD_UNUSED const char *edgefold_argument(size_t index) {
  static edgefold_buffer buffer;
  const char *argument = edgefold_given(&buffer, edgefold_host_arguments);
  const char *end = buffer.at + edgefold_host_arguments(NULL, 0);
  for (; argument < end && index > 0; index--) argument += edgefold_length_of(argument) + 1;
  return argument < end ? argument : NULL;
}

/* The value of one of the program's environment variables; NULL if there is none of that name. */
EDGEFOLD_UNUSED const char *edgefold_variable(const char *name) {
  static edgefold_buffer buffer;
  size_t length = edgefold_length_of(name);
  const char *variable = edgefold_given(&buffer, edgefold_host_environment);
  for (; *variable != 0; variable += edgefold_length_of(variable) + 1) {
    size_t same = 0;
    while (same < length && variable[same] == name[same]) same++;
    if (same == length && variable[same] == '=') return variable + length + 1;
  }
  return NULL;
}

/* The address of the object that the lines of the batch come from, until the next call; empty in reduce and combine. */
EDGEFOLD_UNUSED const char *edgefold_input_path(void) {
  static edgefold_buffer buffer;
  size_t length = edgefold_host_input_path(NULL, 0);
  edgefold_reserve(&buffer, length + 1);
  edgefold_host_input_path(buffer.at, length);
  buffer.at[length] = 0;
  return buffer.at;
}

EDGEFOLD_EXPORT(edgefold_abi) int32_t edgefold_abi(void) {
  return 1;
}

EDGEFOLD_EXPORT(input) char *edgefold_input(size_t length) {
  edgefold_reserve(&edgefold_batch, length);
  return edgefold_batch.at;
}

/* The key whose values are being taken. */
typedef struct {
  edgefold_text key;
  bool has_key;
  /* Keeps the last key of a batch, which can go on in the next one. */
  edgefold_buffer kept;
} edgefold_fold;

EDGEFOLD_INLINE size_t edgefold_varint(const char **at) {
  size_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte = (uint8_t)*(*at)++;
    number |= (size_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

typedef void (*edgefold_map_function)(edgefold_text lines);
typedef void (*edgefold_key_function)(edgefold_text key);
typedef void (*edgefold_value_function)(edgefold_text key, edgefold_text value);
typedef void (*edgefold_end_function)(void);

EDGEFOLD_INLINE void edgefold_end_key(edgefold_fold *fold, edgefold_key_function end) {
  if (fold->has_key && end != NULL) end(fold->key);
  fold->has_key = false;
}

/* Takes a batch of pieces: a key, unless it is the previous one's, and one or more values. */
EDGEFOLD_INLINE void edgefold_take_pieces(edgefold_fold *fold, const char *at, size_t length, edgefold_key_function start,
                                          edgefold_value_function value, edgefold_key_function end) {
  const char *batch_end = at + length;
  while (at < batch_end) {
    size_t head = edgefold_varint(&at);
    size_t kind = head & 6;
    if (kind != 4) {
      if (kind == 0) edgefold_end_key(fold, end);
      fold->key = edgefold_text_of(at, head >> 3);
      at += fold->key.length;
      if (kind == 0 && start != NULL) start(fold->key);
      fold->has_key = true;
    }
    const char *values_end = at;
    if ((head & 1) == 0) {
      edgefold_varint(&at);
      size_t bytes = edgefold_varint(&at);
      values_end = at + bytes;
    }
    do {
      size_t bytes = edgefold_varint(&at);
      value(fold->key, edgefold_text_of(at, bytes));
      at += bytes;
    } while (at < values_end);
  }
  edgefold_reserve(&fold->kept, fold->key.length);
  __builtin_memcpy(fold->kept.at, fold->key.at, fold->key.length);
  fold->key.at = fold->kept.at;
}

EDGEFOLD_INLINE void edgefold_take_lines(edgefold_text batch, edgefold_map_function map) {
  for (edgefold_text line; edgefold_next_line(&batch, &line);) map(line);
}

EDGEFOLD_INLINE void edgefold_finish(edgefold_end_function finish) {
  if (finish != NULL) finish();
  edgefold_flush();
}

/*
 * Exports `void map(edgefold_text line)` as the program's map, which gets each line, without its newline. `void finish(void)`
 * is called after the last line of all. NULL stands for no such function, here and below.
 */
#define EDGEFOLD_MAP_LINES(line_function, finish)                                          \
  EDGEFOLD_EXPORT(map) void edgefold_map(const char *edgefold_at, size_t edgefold_bytes) { \
    edgefold_take_lines(edgefold_text_of(edgefold_at, edgefold_bytes), line_function);     \
    edgefold_flush();                                                                      \
  }                                                                                        \
  EDGEFOLD_EXPORT(map_end) void edgefold_map_end(void) {                                   \
    edgefold_finish(finish);                                                               \
  }

/* Exports `void map(edgefold_text batch)` as the program's map, which gets each batch of lines, all with their newlines. */
#define EDGEFOLD_MAP_BATCHES(batch_function, finish)                                       \
  EDGEFOLD_EXPORT(map) void edgefold_map(const char *edgefold_at, size_t edgefold_bytes) { \
    batch_function(edgefold_text_of(edgefold_at, edgefold_bytes));                         \
    edgefold_flush();                                                                      \
  }                                                                                        \
  EDGEFOLD_EXPORT(map_end) void edgefold_map_end(void) {                                   \
    edgefold_finish(finish);                                                               \
  }

/*
 * Exports the program's reduce. Of each key, `void start(edgefold_text key)` is called before its values, then
 * `void value(edgefold_text key, edgefold_text value)` for each of them, and `void end(edgefold_text key)` after them. At last
 * `void finish(void)` is called. Keys come in the order of their bytes.
 */
#define EDGEFOLD_REDUCE(start, value, end, finish) EDGEFOLD_FOLD(reduce, start, value, end, finish)

/* Exports the program's combine, whose output is reduced again. */
#define EDGEFOLD_COMBINE(start, value, end, finish) EDGEFOLD_FOLD(combine, start, value, end, finish)

#define EDGEFOLD_FOLD(name, start, value, end, finish)                                              \
  static edgefold_fold edgefold_fold_of_##name;                                                     \
  EDGEFOLD_EXPORT(name) void edgefold_##name(const char *edgefold_at, size_t edgefold_bytes) {      \
    edgefold_take_pieces(&edgefold_fold_of_##name, edgefold_at, edgefold_bytes, start, value, end); \
    edgefold_flush();                                                                               \
  }                                                                                                 \
  EDGEFOLD_EXPORT(name##_end) void edgefold_##name##_end(void) {                                    \
    edgefold_end_key(&edgefold_fold_of_##name, end);                                                \
    edgefold_finish(finish);                                                                        \
  }

#endif
