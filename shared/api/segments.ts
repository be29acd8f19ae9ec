import { z } from "zod";

export const SegmentSchema = z
  .object({
    map: z.int().nonnegative().describe("Index of the map"),
    path: z.string().describe("The map's output, which holds a segment for each reduce"),
    offset: z.int().nonnegative().describe("Where the segment begins in it, in bytes"),
    length: z.int().nonnegative().describe("Bytes of the segment"),
    largestBlock: z.int().nonnegative().describe("Bytes of the output's largest block, uncompressed"),
  })
  .meta({ id: "Segment", description: "What a reduce reads of a map's output" });
