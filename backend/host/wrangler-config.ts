import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { z } from "zod";

const BucketSchema = z.object({
  binding: z.string(),
  bucket_name: z.string(),
  /** Set for the buckets that the S3 endpoint serves. */
  local_dev: z.object({}).optional(),
});

const WranglerConfigSchema = z.object({
  name: z.string(),
  main: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()),
  ratelimits: z.array(
    z.object({
      name: z.string(),
      namespace_id: z.string(),
      simple: z.object({ limit: z.int(), period: z.literal([10, 60]) }),
    }),
  ),
  env: z.object({
    dev: z.object({
      r2_buckets: z.array(BucketSchema),
      durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
    }),
  }),
});

/** The configuration of the Worker in `wrangler dev --env dev`. */
export type WranglerConfig = z.infer<typeof WranglerConfigSchema>;

/** Reads `wrangler.toml`, so that the host and `wrangler` run the same Worker. */
export const readWranglerConfig = (file: URL): WranglerConfig =>
  WranglerConfigSchema.parse(parse(readFileSync(file, "utf8")));
