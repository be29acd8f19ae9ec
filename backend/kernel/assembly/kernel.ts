/**
 * The kernel of the data path: it groups, sorts and encodes records. It has no heap. The host owns its memory, of which it uses
 * what lies below `firstFree`, and says where everything else lies. Behind every region that is read there are 16 more bytes.
 */
export { add, added, encode, encodedRecords, firstFree, fullness, isComplete, missingBytes, reset, sort, startPartition } from "./arena";
export { setSeed } from "./groups";
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
export { lineGroups, missingLineBytes, packedBytes, packedRecords, packLines, startLines, writeLines } from "./lines";
