import { expect, test, vi } from "vitest";
import type { S3Address } from "../../../shared/address.ts";
import { FileStore } from "../../../backend/storage/file.ts";
import { ObjectWriter } from "../../../backend/storage/upload.ts";

// real parts would make 160 GB
vi.mock("../../../backend/storage/store.ts", async (original) => ({ ...(await original<object>()), partSize: 4 }));

class SilentStore extends FileStore {
  override async createUpload(): Promise<string> {
    return "id";
  }

  override async uploadPart(_at: unknown, _id: string, number: number): Promise<string> {
    return `t${number}`;
  }
}

test("a writer accepts 10,000 parts and no more", async () => {
  const at: S3Address = { scheme: "s3", endpoint: "http://store", bucket: "bucket", key: "x" };
  const writer = new ObjectWriter(new SilentStore([]), at, { attempt: "a", onCreated: async () => {} });
  await writer.write(Buffer.alloc(40_000));
  await writer.write(Buffer.alloc(1));
  await expect(writer.finish()).rejects.toMatchObject({
    code: "EntityTooLarge",
    message: expect.stringContaining("160 GB"),
  });
});
