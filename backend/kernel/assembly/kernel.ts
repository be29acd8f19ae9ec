/**
 * The kernel of the data path: it groups, sorts and encodes records. It has no heap. The host owns its memory, of which it uses
 * what lies below `firstFree`, and says where everything else lies. Behind every region that is read there are 64 more bytes.
 */
export { add, added, addLines, encode, encodedRecords, firstFree, fullness, isComplete, missingBytes, reset, sort, startPartition } from "./arena";
export { failure } from "./aggregate";
export { checksum } from "./checksum";
export { groupCount, setSeed } from "./groups";
export {
  giveBlock,
  merge,
  mergeBytes,
  mergedRecords,
  neededBytes,
  resetMerge,
  resumeMerge,
  setKeyRoom,
  startMerge,
  wanted,
} from "./merge";
export { packedBytes, packedRecords, packLines } from "./pack-lines";
export {
  findUnfitForLines,
  isMalformed,
  longestScanned,
  packedToLines,
  scannedBytes,
  scannedRecords,
  scanPacked,
} from "./packed-records";
export { countNewlines, findLineEnds, isAsciiText } from "./scan-lines";
export {
  endLines,
  lineGroups,
  lineKey,
  lineKeyLength,
  lineValue,
  lineValueLength,
  missingLineBytes,
  resetLines,
  startLines,
  writeLines,
} from "./write-lines";
