import { emit, flush, forEachLine, forEachValue, key, keyLength } from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

/** Emits each line as a key. */
export function map(address: usize, length: u32): void {
  forEachLine(address, length, (line: usize, lineLength: u32): void => emit(line, lineLength, 0, 0));
  flush();
}

function nothing(): void {}

/** Emits each line as often as it came. */
export function reduce(address: usize, length: u32): void {
  forEachValue(address, length, nothing, (value: usize, valueLength: u32): void => emit(key, keyLength, value, valueLength), nothing);
  flush();
}
