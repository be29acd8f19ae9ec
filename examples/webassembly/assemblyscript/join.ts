import {
  emit,
  endKeys,
  fail,
  find,
  flush,
  forEachLine,
  forEachValue,
  inputPath,
  key,
  keyLength,
  programArguments,
  Text,
  Texts,
} from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

const tab: u8 = 0x09;
const left: u8 = 0x4c;
const right: u8 = 0x52;

/** The side of the lines that are being mapped. */
const side = memory.data<u8>([left]);

/**
 * Marks each line `key TAB row` with the side that it belongs to. The left side are the objects whose address contains the program's
 * argument, and the right side are all others.
 */
export function map(address: usize, length: u32): void {
  const marks = programArguments();
  if (marks.length != 1) fail("the argument must be a part of the addresses of the left side");
  store<u8>(side, inputPath().includes(marks[0]) ? left : right);
  forEachLine(address, length, (line: usize, lineLength: u32): void => {
    const end = line + lineLength;
    const row = find(line, end, tab);
    if (row == end) return emit(line, lineLength, side, 1);
    // The mark takes the place of the tab.
    store<u8>(row, load<u8>(side));
    emit(line, <u32>(row - line), row, <u32>(end - row));
  });
  flush();
}

const lefts = new Texts();
const rights = new Texts();
const pair = new Text();

function start(): void {
  lefts.clear();
  rights.clear();
}

function take(value: usize, length: u32): void {
  const rows = load<u8>(value) == left ? lefts : rights;
  rows.add(value + 1, length - 1);
}

/** Emits each pair of a left and a right row. */
function end(): void {
  for (let i: u32 = 0; i < lefts.count; i++) {
    for (let j: u32 = 0; j < rights.count; j++) {
      pair.clear();
      pair.append(lefts.address(i), lefts.length(i));
      pair.appendByte(tab);
      pair.append(rights.address(j), rights.length(j));
      emit(key, keyLength, pair.address, pair.length);
    }
  }
}

/** Keeps the rows of one key at a time in memory. */
export function reduce(address: usize, length: u32): void {
  forEachValue(address, length, start, take, end);
  flush();
}

export function reduce_end(): void {
  endKeys(end);
  flush();
}
