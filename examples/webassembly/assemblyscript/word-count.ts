import { emit, emitNumber, endKeys, flush, forEachLine, forEachValue, key, keyLength, parseNumber } from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

const one = memory.data<u8>([0x31]);

/** Looks for a space or tab in `[from, to)`. @returns where it is; `to` if it is nowhere */
function findSpace(from: usize, to: usize): usize {
  for (let at = from; at < to; at++) {
    const byte = load<u8>(at);
    if (byte == 0x20 || byte == 0x09) return at;
  }
  return to;
}

/** Emits each word of each line with the value 1. */
export function map(address: usize, length: u32): void {
  forEachLine(address, length, (line: usize, lineLength: u32): void => {
    const end = line + lineLength;
    for (let word = line; word < end;) {
      const wordEnd = findSpace(word, end);
      if (wordEnd > word) emit(word, <u32>(wordEnd - word), one, 1);
      word = wordEnd + 1;
    }
  });
  flush();
}

let sum: i64 = 0;

function start(): void {
  sum = 0;
}

function take(value: usize, length: u32): void {
  sum += parseNumber(value, length);
}

function end(): void {
  emitNumber(key, keyLength, sum);
}

/** Emits each word with the sum of its values. */
export function reduce(address: usize, length: u32): void {
  forEachValue(address, length, start, take, end);
  flush();
}

export function reduce_end(): void {
  endKeys(end);
  flush();
}

export function combine(address: usize, length: u32): void {
  reduce(address, length);
}

export function combine_end(): void {
  reduce_end();
}
