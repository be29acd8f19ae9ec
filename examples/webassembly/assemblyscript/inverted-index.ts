import {
  compare,
  emit,
  endKeys,
  find,
  flush,
  forEachValue,
  forEachWord,
  key,
  keyLength,
  Text,
  Texts,
  variable,
} from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

const comma: u8 = 0x2c;

/** The address of the object that the words come from. In lists with commas, a comma in an address is `%2C`. */
const file = new Text();

/** Emits each word with the object that it comes from. */
export function map(address: usize, length: u32): void {
  if (file.length == 0) {
    const bytes = String.UTF8.encode(variable("EDGEFOLD_INPUT_PATH").replaceAll(",", "%2C"));
    file.append(changetype<usize>(bytes), bytes.byteLength);
  }
  forEachWord(address, length, (word: usize, wordLength: u32): void => emit(word, wordLength, file.address, file.length));
  flush();
}

/** The objects with the word, in order. */
const files = new Texts();

function start(): void {
  files.clear();
}

/** Takes the objects of a list, unless they are known. */
function take(value: usize, length: u32): void {
  const end = value + length;
  for (let from = value; from <= end;) {
    const to = find(from, end, comma);
    takeFile(from, <u32>(to - from));
    from = to + 1;
  }
}

function takeFile(file: usize, length: u32): void {
  let low: u32 = 0;
  for (let high = files.count; low < high;) {
    const middle = (low + high) >> 1;
    const order = compare(files.address(middle), files.length(middle), file, length);
    if (order == 0) return;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  files.insert(low, file, length);
}

const list = new Text();

/** Emits the word with its objects, separated by commas. */
function end(): void {
  list.clear();
  for (let i: u32 = 0; i < files.count; i++) {
    if (i > 0) list.appendByte(comma);
    list.append(files.address(i), files.length(i));
  }
  emit(key, keyLength, list.address, list.length);
}

export function reduce(address: usize, length: u32): void {
  forEachValue(address, length, start, take, end);
  flush();
}

export function reduce_end(): void {
  endKeys(end);
  flush();
}

export { reduce as combine, reduce_end as combine_end };
