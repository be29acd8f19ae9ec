import { emit, fail, find, flush, programArguments } from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

const newline: u8 = 0x0a;

/** The text to look for: the program's argument. */
let wanted: usize = 0;
let wantedLength: usize = 0;

function readArguments(): void {
  const texts = programArguments();
  if (texts.length != 1 || texts[0].length == 0) fail("the argument must be the text to look for");
  const bytes = String.UTF8.encode(texts[0]);
  wanted = heap.alloc(bytes.byteLength);
  wantedLength = bytes.byteLength;
  memory.copy(wanted, changetype<usize>(bytes), wantedLength);
}

/** Emits the lines that contain the text. */
export function map(address: usize, length: u32): void {
  if (wanted == 0) readArguments();
  const first = load<u8>(wanted);
  const end = address + length;
  let line = address;
  for (let at = find(address, end, first); at + wantedLength <= end; at = find(at, end, first)) {
    if (memory.compare(at, wanted, wantedLength) != 0) {
      at++;
      continue;
    }
    for (let next = find(line, at, newline); next < at; next = find(line, at, newline)) line = next + 1;
    const lineEnd = find(at, end, newline);
    emit(line, <u32>(lineEnd - line), 0, 0);
    line = lineEnd + 1;
    at = line;
  }
  flush();
}
