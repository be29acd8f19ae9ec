import { behindLast, emit, fail, find, findText, flush, programArguments } from "../../../client/wasm/assemblyscript/edgefold";
export { edgefold_abi, input } from "../../../client/wasm/assemblyscript/edgefold";

const newline: u8 = 0x0a;

/** The text to look for: the program's argument. */
let wanted: usize = 0;
let wantedLength: u32 = 0;

function readArguments(): void {
  const texts = programArguments();
  if (texts.length != 1 || texts[0].length == 0) fail("the argument must be the text to look for");
  const bytes = String.UTF8.encode(texts[0]);
  wanted = heap.alloc(bytes.byteLength);
  wantedLength = <u32>bytes.byteLength;
  memory.copy(wanted, changetype<usize>(bytes), wantedLength);
}

/** Emits the lines that contain the text. */
export function map(address: usize, length: u32): void {
  if (wanted == 0) readArguments();
  const end = address + length;
  let line = address;
  for (let at = findText(line, end, wanted, wantedLength); at < end; at = findText(line, end, wanted, wantedLength)) {
    const start = behindLast(line, at, newline);
    const lineEnd = find(at, end, newline);
    emit(start, <u32>(lineEnd - start), 0, 0);
    line = lineEnd + 1;
  }
  flush();
}
