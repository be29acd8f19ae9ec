import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { z } from "zod";

const BucketSchema = z.object({
  binding: z.string(),
  bucket_name: z.string(),
  local_dev: z
    .object({ experimental_s3_credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }) })
    .optional(),
});

const WranglerConfigSchema = z.object({
  name: z.string(),
  main: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()),
  env: z.object({
    dev: z.object({
      r2_buckets: z.array(BucketSchema),
      durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
    }),
  }),
});

/** What the Worker of `wrangler dev --env dev` consists of. */
export type WranglerConfig = z.infer<typeof WranglerConfigSchema>;

/** Reads `wrangler.toml`, so that the host and `wrangler` run the same Worker. */
export const readWranglerConfig = (file: URL): WranglerConfig =>
  WranglerConfigSchema.parse(parse(readFileSync(file, "utf8")));
