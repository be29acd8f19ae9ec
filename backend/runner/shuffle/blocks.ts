/** A block of sorted records: room for its header, then its pieces; see `segment.ts`. */
export type Block = {
  readonly bytes: Buffer;
  /** How many records (that is, values) it has. */
  readonly records: number;
};

/** Returns the blocks of a partition, one per call, then undefined. Each is valid until the next call. */
export type BlockSource = () => Block | undefined;
