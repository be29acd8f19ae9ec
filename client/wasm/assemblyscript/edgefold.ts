/**
 * Edgefold's interface for programs in WebAssembly, version 1, for AssemblyScript. Copy this file beside your program. Texts are
 * bytes at an address, without an end mark: nothing is decoded or copied unless you do.
 *
 * A program re-exports `edgefold_abi` and `input`, and exports what it is used for: `map`, `reduce` (and `reduce_end`), `combine`
 * (and `combine_end`). Each of them ends with `flush()`.
 */

// @ts-ignore: decorator
@external("edgefold", "emit") declare function hostEmit(address: usize, length: u32): void;
// @ts-ignore: decorator
@external("edgefold", "counter") declare function hostCounter(group: usize, groupLength: u32, name: usize, nameLength: u32, amount: i64): void;
// @ts-ignore: decorator
@external("edgefold", "status") declare function hostStatus(address: usize, length: u32): void;
// @ts-ignore: decorator
@external("edgefold", "log") declare function hostLog(address: usize, length: u32): void;
// @ts-ignore: decorator
@external("edgefold", "fail") declare function hostFail(address: usize, length: u32): void;
// @ts-ignore: decorator
@external("edgefold", "arguments") declare function hostArguments(address: usize, room: u32): u32;
// @ts-ignore: decorator
@external("edgefold", "environment") declare function hostEnvironment(address: usize, room: u32): u32;
// @ts-ignore: decorator
@external("edgefold", "input_path") declare function hostInputPath(address: usize, room: u32): u32;

/** Bytes that are emitted at a time. */
const emitRoom: u32 = 64 * 1024;

/** Bytes of nearly all batches, at most. */
const leastBatch: u32 = 256 * 1024;

/** Bytes behind a batch that may be read, such as by vectors. */
const slack: u32 = 64;

/** Texts of up to so many bytes are copied by vectors: it takes less time than a call of `memory.copy`. */
const shortText: u32 = 128;

/** The most bytes of the two lengths of a record. */
const lengths: u32 = 10;

const out: usize = heap.alloc(emitRoom + slack);
let outAt: usize = out;
let batch: usize = 0;
let batchRoom: u32 = 0;

export function edgefold_abi(): i32 {
  return 1;
}

/** Where the next batch is to be put. */
export function input(length: u32): usize {
  if (length > batchRoom) {
    if (batch != 0) heap.free(batch);
    // With the smallest runtime, `heap.free` does nothing: it is not to happen often.
    batchRoom = max(2 * length, leastBatch);
    batch = heap.alloc(batchRoom + slack);
  }
  return batch;
}

/** Hands over what was emitted. Call it at the end of each batch. */
export function flush(): void {
  if (outAt > out) hostEmit(out, <u32>(outAt - out));
  outAt = out;
}

/** Emits a record. */
export function emit(key: usize, keyLength: u32, value: usize, valueLength: u32): void {
  const most = keyLength + valueLength + lengths;
  if (outAt + most > out + emitRoom) {
    flush();
    if (most > emitRoom) return emitLong(key, keyLength, value, valueLength);
  }
  outAt = putPacked(putPacked(outAt, key, keyLength), value, valueLength);
}

function emitLong(key: usize, keyLength: u32, value: usize, valueLength: u32): void {
  const own = heap.alloc(keyLength + valueLength + lengths + slack);
  const end = putPacked(putPacked(own, key, keyLength), value, valueLength);
  hostEmit(own, <u32>(end - own));
  heap.free(own);
}

/** Emits a record whose value is `1`. */
export function emitOne(key: usize, keyLength: u32): void {
  if (outAt + shortText + slack > out + emitRoom) flush();
  if (!ASC_FEATURE_SIMD || keyLength >= shortText || key + shortText > memorySize()) return emit(key, keyLength, one, 1);
  store<u8>(outAt, <u8>keyLength);
  for (let at: u32 = 0; at < keyLength; at += 16) v128.store(outAt + at, v128.load(key + at), 1);
  store<u16>(outAt + keyLength, oneValue, 1);
  outAt += keyLength + 3;
}

/** The value `1`, and as it is packed. */
const one = memory.data<u8>([0x31]);
const oneValue: u16 = 0x3101;

// @ts-ignore: decorator
@inline
function memorySize(): usize {
  return <usize>memory.size() << 16;
}

/** Writes a length and as many bytes. @returns where they end */
function putPacked(to: usize, from: usize, length: u32): usize {
  let rest = length;
  for (; rest >= 0x80; rest >>= 7) store<u8>(to++, <u8>rest | 0x80);
  store<u8>(to++, <u8>rest);
  if (ASC_FEATURE_SIMD && length <= shortText && from + length + 16 <= memorySize()) {
    // What is copied too much is overwritten or lies in the slack.
    for (let at: u32 = 0; at < length; at += 16) v128.store(to + at, v128.load(from + at));
  } else memory.copy(to, from, length);
  return to + length;
}

const number: usize = heap.alloc(20);

/** Emits a record whose value is a decimal number. */
export function emitNumber(key: usize, keyLength: u32, value: i64): void {
  let at = number + 20;
  let rest: u64 = value < 0 ? 0 - <u64>value : <u64>value;
  do {
    store<u8>(--at, 0x30 + <u8>(rest % 10));
    rest /= 10;
  } while (rest > 0);
  if (value < 0) store<u8>(--at, 0x2d);
  emit(key, keyLength, at, <u32>(number + 20 - at));
}

/** Reads a decimal number of 64 bits. Ends the program with an error for anything else. */
export function parseNumber(at: usize, length: u32): i64 {
  const isNegative = length > 0 && load<u8>(at) == 0x2d;
  const most = <u64>i64.MAX_VALUE + u64(isNegative);
  let value: u64 = 0;
  let isNumber = length > u32(isNegative);
  for (let i: u32 = u32(isNegative); i < length; i++) {
    const digit = load<u8>(at + i) - 0x30;
    isNumber = isNumber && digit < 10 && value <= <u64>i64.MAX_VALUE / 10;
    value = value * 10 + digit;
  }
  if (!isNumber || value > most) fail("a value is no number of 64 bits");
  return isNegative ? -(<i64>value) : <i64>value;
}

/** Calls `use` for each line of a batch, without its newline. */
// @ts-ignore: decorator
@inline
export function forEachLine(address: usize, length: u32, use: (line: usize, length: u32) => void): void {
  const end = address + length;
  for (let line = address; line < end;) {
    const newline = find(line, end, 0x0a);
    use(line, <u32>(newline - line));
    line = newline + 1;
  }
}

/** Calls `use` for each word of a batch: for what is between white space of ASCII. */
// @ts-ignore: decorator
@inline
export function forEachWord(address: usize, length: u32, use: (word: usize, length: u32) => void): void {
  const end = address + length;
  let word = address;
  let at = address;
  if (ASC_FEATURE_SIMD) {
    for (; at + 64 <= end; at += 64) {
      for (let ends = spacesIn(at, 0) | spacesIn(at, 16) | spacesIn(at, 32) | spacesIn(at, 48); ends != 0; ends &= ends - 1) {
        const wordEnd = at + <usize>ctz(ends);
        if (wordEnd > word) use(word, <u32>(wordEnd - word));
        word = wordEnd + 1;
      }
    }
  }
  for (; at < end; at++) {
    if (!isSpace(load<u8>(at))) continue;
    if (at > word) use(word, <u32>(at - word));
    word = at + 1;
  }
}

// @ts-ignore: decorator
@inline
function isSpace(byte: u8): bool {
  return byte == 0x20 || byte - 0x09 < 5;
}

/** Of 16 bytes, a bit for each that is white space, shifted by `offset`. */
// @ts-ignore: decorator
@inline
function spacesIn(at: usize, offset: u32): u64 {
  const bytes = v128.load(at + offset);
  // A space, or one of the five from tab to carriage return.
  const spaces = v128.or(
    i8x16.eq(bytes, i8x16.splat(0x20)),
    i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x09)), i8x16.splat(5)),
  );
  return <u64>(<u32>i8x16.bitmask(spaces)) << offset;
}

/** Looks for a text of at least one byte in `[from, to)`. @returns where it begins; `to` if it is nowhere */
export function findText(from: usize, to: usize, text: usize, length: u32): usize {
  let at = from;
  const last = length - 1;
  if (ASC_FEATURE_SIMD) {
    // Its first and last byte, at 16 places at a time.
    const firstByte = i8x16.splat(load<u8>(text));
    const lastByte = i8x16.splat(load<u8>(text + last));
    for (; at + last + 16 <= to; at += 16) {
      const places = v128.and(i8x16.eq(v128.load(at), firstByte), i8x16.eq(v128.load(at + last), lastByte));
      for (let bits = i8x16.bitmask(places); bits != 0; bits &= bits - 1) {
        const place = at + <usize>ctz(bits);
        if (memory.compare(place, text, length) == 0) return place;
      }
    }
  }
  for (; at + length <= to; at++) if (memory.compare(at, text, length) == 0) return at;
  return to;
}

/** Looks for the last byte of a kind in `[from, to)`. @returns what comes after it; `from` if it is nowhere */
export function behindLast(from: usize, to: usize, byte: u8): usize {
  let at = to;
  while (at > from && load<u8>(at - 1) != byte) at--;
  return at;
}

/** Looks for a byte in `[from, to)`. @returns where it is; `to` if it is nowhere */
export function find(from: usize, to: usize, byte: u8): usize {
  let at = from;
  if (ASC_FEATURE_SIMD) {
    const wanted = i8x16.splat(byte);
    for (; at + 16 <= to; at += 16) {
      const found = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
      if (found != 0) return at + <usize>ctz(found);
    }
  }
  for (; at < to; at++) if (load<u8>(at) == byte) return at;
  return to;
}

/** The key whose values are being taken. */
export let key: usize = heap.alloc(64);
export let keyLength: u32 = 0;
let keyRoom: u32 = 64;
let hasKey: bool = false;

/**
 * Takes a batch of `reduce` or `combine`, in which keys come in order. The values of a key can come in several batches.
 * @param start is called for each key, before its values; see `key`
 * @param take is called for each value
 * @param end is called for each key, after its values; but for the last one of all, see `endKeys`
 */
export function forEachValue(
  address: usize,
  length: u32,
  start: () => void,
  take: (value: usize, length: u32) => void,
  end: () => void,
): void {
  const batchEnd = address + length;
  for (let at = address; at < batchEnd;) {
    // A piece is a key, unless it is the previous one's, and one or more values.
    const head = readVarint(at);
    at = varintEnd;
    const kind = head & 6;
    if (kind != 4) {
      const bytes = head >> 3;
      if (kind == 0) {
        endKeys(end);
        keepKey(at, bytes);
        hasKey = true;
        start();
      }
      at += bytes;
    }
    let valuesEnd: usize = 0;
    if ((head & 1) == 0) {
      readVarint(at);
      const bytes = readVarint(varintEnd);
      at = varintEnd;
      valuesEnd = at + bytes;
    }
    do {
      const bytes = readVarint(at);
      const value = varintEnd;
      at = value + bytes;
      take(value, bytes);
    } while (at < valuesEnd);
  }
}

/** Ends the last key. Call it in `reduce_end` or `combine_end`. */
export function endKeys(end: () => void): void {
  if (hasKey) end();
  hasKey = false;
}

function keepKey(at: usize, length: u32): void {
  if (length > keyRoom) {
    heap.free(key);
    keyRoom = 2 * length;
    key = heap.alloc(keyRoom);
  }
  memory.copy(key, at, length);
  keyLength = length;
}

let varintEnd: usize = 0;

function readVarint(at: usize): u32 {
  let number: u32 = 0;
  for (let shift: u32 = 0; ; shift += 7) {
    const byte: u32 = load<u8>(at++);
    number |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  varintEnd = at;
  return number;
}

/** A text that grows. What is appended is copied. */
export class Text {
  /** Where it is, until something is appended. */
  address: usize = heap.alloc(leastText);
  length: u32 = 0;
  private room: u32 = leastText;

  clear(): void {
    this.length = 0;
  }

  append(text: usize, length: u32): void {
    const longer = this.length + length;
    if (longer > this.room) {
      this.room = 2 * longer;
      this.address = heap.realloc(this.address, this.room);
    }
    memory.copy(this.address + this.length, text, length);
    this.length = longer;
  }

  appendByte(byte: u8): void {
    store<u8>(oneByte, byte);
    this.append(oneByte, 1);
  }
}

/** A list of texts, such as of the values of a key. What is added is copied. */
export class Texts {
  count: u32 = 0;
  /** The texts, one behind the other as they came. */
  private bytes: Text = new Text();
  /** Where each text begins in `bytes`, and its length. */
  private places: Text = new Text();

  clear(): void {
    this.count = 0;
    this.bytes.clear();
    this.places.clear();
  }

  add(text: usize, length: u32): void {
    this.insert(this.count, text, length);
  }

  /** Adds a text before the one of number `index`, or at the end. */
  insert(index: u32, text: usize, length: u32): void {
    store<u32>(newPlace, this.bytes.length);
    store<u32>(newPlace, length, 4);
    this.bytes.append(text, length);
    this.places.append(newPlace, 8);
    const place = this.place(index);
    memory.copy(place + 8, place, <usize>(this.count - index) << 3);
    memory.copy(place, newPlace, 8);
    this.count++;
  }

  /** Where a text is, until one is added. */
  address(index: u32): usize {
    return this.bytes.address + <usize>load<u32>(this.place(index));
  }

  length(index: u32): u32 {
    return load<u32>(this.place(index), 4);
  }

  private place(index: u32): usize {
    return this.places.address + (<usize>index << 3);
  }
}

const leastText: u32 = 64;
const oneByte = memory.data(1);
const newPlace = memory.data(8);

/** Compares two texts by their bytes, as keys are ordered. @returns below, equal to or above 0 */
export function compare(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const order = memory.compare(a, b, min(aLength, bLength));
  return order != 0 ? order : aLength < bLength ? -1 : i32(aLength > bLength);
}

/** Adds to a counter of the job. */
export function counter(group: string, name: string, amount: i64 = 1): void {
  const groupBytes = String.UTF8.encode(group);
  const nameBytes = String.UTF8.encode(name);
  hostCounter(
    changetype<usize>(groupBytes),
    groupBytes.byteLength,
    changetype<usize>(nameBytes),
    nameBytes.byteLength,
    amount,
  );
}

/** Says what the task is doing. */
export function status(text: string): void {
  const bytes = String.UTF8.encode(text);
  hostStatus(changetype<usize>(bytes), bytes.byteLength);
}

/** Writes a line to the attempt's log. */
export function log(text: string): void {
  const bytes = String.UTF8.encode(text + "\n");
  hostLog(changetype<usize>(bytes), bytes.byteLength);
}

/** Ends the attempt with an error. */
export function fail(text: string): void {
  const bytes = String.UTF8.encode(text);
  hostFail(changetype<usize>(bytes), bytes.byteLength);
}

/** The program's arguments. */
export function programArguments(): string[] {
  return texts(hostArguments(0, 0), hostArguments);
}

/** The program's environment: `NAME=value`. */
export function environment(): string[] {
  return texts(hostEnvironment(0, 0), hostEnvironment);
}

/** A variable of the program's environment; empty if it is not set. */
export function variable(name: string): string {
  const all = environment();
  for (let i = 0; i < all.length; i++) if (all[i].startsWith(name + "=")) return all[i].substring(name.length + 1);
  return "";
}

/** The address of the object that the lines of the batch come from, percent-encoded; empty in `reduce` and `combine`. */
export function inputPath(): string {
  const bytes = new ArrayBuffer(hostInputPath(0, 0));
  hostInputPath(changetype<usize>(bytes), bytes.byteLength);
  return String.UTF8.decode(bytes);
}

function texts(length: u32, read: (address: usize, room: u32) => u32): string[] {
  const bytes = new ArrayBuffer(length);
  read(changetype<usize>(bytes), length);
  const all = String.UTF8.decode(bytes).split("\0");
  all.pop();
  return all;
}
