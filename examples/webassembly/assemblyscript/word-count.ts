import { emitNumber, emitOne, endKeys, flush, forEachValue, forEachWord, key, keyLength, parseNumber } from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

/** Emits each word with the value 1. */
export function map(address: usize, length: u32): void {
  forEachWord(address, length, (word: usize, wordLength: u32): void => emitOne(word, wordLength));
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

export { reduce as combine, reduce_end as combine_end };
