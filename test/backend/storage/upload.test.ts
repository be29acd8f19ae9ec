import { beforeEach, describe, expect, test } from "vitest";
import type { FileAddress, S3Address } from "../../../shared/address.ts";
import { FileStore } from "../../../backend/storage/file.ts";
import { partSize, type OpenUpload, type Store } from "../../../backend/storage/store.ts";
import { ObjectWriter } from "../../../backend/storage/upload.ts";

const at: S3Address = { scheme: "s3", endpoint: "http://store", bucket: "bucket", key: "x" };
const part = Buffer.alloc(partSize);

/** A store that records uploads, and finishes parts when told to. */
class NotingStore extends FileStore implements Store {
  readonly noted: string[] = [];
  readonly waiting: (() => void)[] = [];
  holding = false;
  failing: number = 0;

  override async createUpload(): Promise<string> {
    this.noted.push("create");
    return "id";
  }

  override async uploadPart(_at: unknown, _id: string, number: number, bytes: Uint8Array): Promise<string> {
    this.noted.push(`part ${number} ${bytes.length}`);
    if (this.holding) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.failing === number) throw new Error(`part ${number} failed`);
    return `t${number}`;
  }

  override async abortUpload(): Promise<void> {
    this.noted.push("abort");
  }
}

let store: NotingStore;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const options = {
  attempt: "a",
  onCreated: async (id: string): Promise<void> => {
    await settled();
    store.noted.push(`created ${id}`);
  },
};

beforeEach(() => {
  store = new NotingStore([]);
});

describe("a writer", () => {
  test("reports the upload's id before the first part is sent", async () => {
    const writer = new ObjectWriter(store, at, options);
    expect(writer.write(Buffer.from("abc"))).toBeUndefined();
    expect(store.noted).toEqual([]);
    expect(await writer.finish()).toEqual({ uploadId: "id", tags: ["t1"], size: 3 });
    expect(store.noted).toEqual(["create", "created id", "part 1 3"]);
  });

  test("creates its upload at the first byte if it is told to", async () => {
    const writer = new ObjectWriter(store, at, { ...options, isEarly: true });
    expect(writer.write(Buffer.from("abc"))).toBeUndefined();
    expect(writer.write(Buffer.from("def"))).toBeUndefined();
    await settled();
    await settled();
    expect(store.noted).toEqual(["create", "created id"]);
    expect(await writer.finish()).toEqual({ uploadId: "id", tags: ["t1"], size: 6 });
    expect(store.noted).toEqual(["create", "created id", "part 1 6"]);
  });

  test("aborts an early upload that is just being created", async () => {
    const writer = new ObjectWriter(store, at, { ...options, isEarly: true });
    expect(writer.write(Buffer.from("abc"))).toBeUndefined();
    await writer.abort();
    expect(store.noted).toEqual(["create", "created id", "abort"]);
  });

  test("throws what has kept an early upload from being created", async () => {
    const untold = { ...options, isEarly: true, onCreated: () => Promise.reject(new Error("untold")) };
    const writer = new ObjectWriter(store, at, untold);
    expect(writer.write(Buffer.from("abc"))).toBeUndefined();
    await settled();
    await expect(writer.finish()).rejects.toThrow("untold");
    await writer.abort();
    expect(store.noted).toEqual(["create", "abort"]);
  });

  test("sends nothing if the id could not be reported", async () => {
    const untold = { ...options, onCreated: () => Promise.reject(new Error("untold")) };
    const writer = new ObjectWriter(store, at, untold);
    await writer.write(part);
    await expect(writer.finishObject()).rejects.toThrow("untold");
    await writer.abort();
    expect(store.noted).toEqual(["create", "abort"]);
  });

  test("waits while two parts are in flight", async () => {
    store.holding = true;
    const writer = new ObjectWriter(store, at, options);
    let taken = 0;
    const writing = (async () => {
      for (let parts = 0; parts < 4; parts++) {
        await writer.write(part);
        taken += 1;
      }
    })();
    for (let turns = 0; turns < 5; turns++) await settled();
    expect(taken).toBe(2);
    expect(store.waiting).toHaveLength(2);
    store.holding = false;
    for (const resolve of store.waiting) resolve();
    await writing;
    expect(await writer.finish()).toMatchObject({ tags: ["t1", "t2", "t3", "t4"], size: 4 * partSize });
  });

  test("reports the failure of a part, and aborts", async () => {
    store.failing = 2;
    const writer = new ObjectWriter(store, at, options);
    const writing = async (): Promise<void> => {
      for (let parts = 0; parts < 9; parts++) await writer.write(part);
    };
    await expect(writing()).rejects.toThrow("part 2 failed");
    await writer.abort();
    expect(store.noted.at(-1)).toBe("abort");
    expect(store.noted.length).toBeLessThan(8);
  });

  test("has no upload if nothing was written", async () => {
    const writer = new ObjectWriter(store, at, options);
    await writer.write(Buffer.alloc(0));
    expect(await writer.finish()).toBeUndefined();
    await writer.abort();
    expect(store.noted).toEqual([]);
  });

  test("has no upload to abort before its first part", async () => {
    const writer = new ObjectWriter(store, at, options);
    await writer.write(Buffer.from("abc"));
    await writer.abort();
    expect(store.noted).toEqual([]);
    expect(() => writer.write(Buffer.from("abc"))).toThrow("was aborted");
  });
});

/** A store of files that records what is done to an opened upload. */
class FileNotingStore extends NotingStore {
  override async openUpload(): Promise<OpenUpload> {
    this.noted.push("open");
    return {
      write: (bytes) => {
        this.noted.push(`write ${bytes.length}`);
        if (this.failing > 0 && --this.failing === 0) throw new Error("the disk is full");
      },
      finish: async () => {
        this.noted.push("finish");
        return ["tag"];
      },
      close: () => void this.noted.push("close"),
    };
  }
}

describe("a writer of a file", () => {
  const file: FileAddress = { scheme: "file", path: "/x" };
  const chunk = Buffer.alloc(partSize / 2);
  let files: FileNotingStore;
  beforeEach(() => {
    files = new FileNotingStore([]);
    store = files;
  });

  test("passes on what it gets, once the upload's id has been reported", async () => {
    const writer = new ObjectWriter(files, file, options);
    await writer.write(Buffer.from("abc"));
    expect(files.noted).toEqual([]);
    await writer.write(chunk);
    expect(writer.write(Buffer.from("de"))).toBeUndefined();
    expect(await writer.finish()).toEqual({ uploadId: "id", tags: ["tag"], size: chunk.length + 5 });
    const first = 1024 * 1024;
    const written = [`write ${first}`, `write ${chunk.length + 3 - first}`, "write 2"];
    expect(files.noted).toEqual(["create", "created id", "open", ...written, "finish"]);
  });

  test("takes nothing more after a failure, and closes the file", async () => {
    files.failing = 2;
    const writer = new ObjectWriter(files, file, options);
    await expect((async () => await writer.write(chunk))()).rejects.toThrow("the disk is full");
    expect(() => writer.write(Buffer.from("abc"))).toThrow("the disk is full");
    await expect(writer.finish()).rejects.toThrow("the disk is full");
    await writer.abort();
    expect(files.noted.slice(-2)).toEqual(["close", "abort"]);
  });
});
