import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatAddress, keyOf, parseAddress, parseInput, type FileAddress } from "../../../shared/address.ts";
import { textOfBytes } from "../../../shared/byte-text.ts";
import { openFileAt, readFileAt } from "../../../backend/storage/file-read.ts";
import { FileRoots } from "../../../backend/storage/file-roots.ts";
import { putFile } from "../../../backend/storage/file-upload.ts";
import { FileStore } from "../../../backend/storage/file.ts";
import { listInputs } from "../../../backend/storage/inputs.ts";
import { partSize } from "../../../backend/storage/store.ts";
import { all, bytesOf, pattern } from "./bytes.ts";

const jobId = "01980000-0000-7000-8000-000000000001";

let home: string;
let root: string;
let store: FileStore;
const at = (name: string): FileAddress => ({ scheme: "file", path: `${root}/${name}` });
const text = (value: string): Buffer => Buffer.from(value);
const tree = async (): Promise<string[]> => (await readdir(root, { recursive: true })).sort();
const names = async (prefix: string): Promise<string[]> =>
  (await all(store.list(at(prefix)))).map(({ address }) =>
    address.scheme === "file" ? path.relative(root, address.path) : "",
  );

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "edgefold-file-"));
  root = path.join(home, "root");
  await mkdir(root);
  await writeFile(path.join(home, "secret"), "secret");
  store = new FileStore([root]);
});
afterEach(() => rm(home, { recursive: true }));

describe("the roots", () => {
  const refused = { name: "StorageError", code: "OutsideRoots", message: expect.stringContaining("FILE_ROOTS") };

  test.each(["../secret", "../root-2/x", "..", "a/../../secret"])("do not contain %s", async (name) => {
    await expect(store.head(at(name))).rejects.toMatchObject(refused);
    await expect(store.read(at(name))).rejects.toMatchObject(refused);
    await expect(store.put(at(name), text("x"))).rejects.toMatchObject(refused);
    await expect(store.createUpload(at(name))).rejects.toMatchObject(refused);
    await expect(store.ensureBucket(at(name))).rejects.toMatchObject(refused);
    await expect(all(store.list(at(`${name}/`)))).rejects.toMatchObject(refused);
  });

  test("do not contain the targets of links that lead outside", async () => {
    await symlink(home, path.join(root, "out"));
    await symlink(path.join(home, "secret"), path.join(root, "file"));
    for (const name of ["file", "out/secret", "out/new/file"]) {
      await expect(store.read(at(name))).rejects.toMatchObject(refused);
      await expect(store.put(at(name), text("x"))).rejects.toMatchObject(refused);
    }
    await expect(store.remove([at("out/secret")])).rejects.toMatchObject(refused);
    await expect(names("")).rejects.toMatchObject(refused);
    expect((await stat(path.join(home, "secret"))).size).toBe(6);
    expect(await readdir(home)).toHaveLength(2);
  });

  test("do not contain the target of a link in the place of the uploads folder", async () => {
    await mkdir(path.join(home, "outside"));
    await mkdir(path.join(root, jobId));
    await symlink(path.join(home, "outside"), path.join(root, jobId, ".uploads"));
    const object = at(`${jobId}/x`);
    await expect(store.put(object, text("x"))).rejects.toMatchObject(refused);
    await expect(store.createUpload(object)).rejects.toMatchObject(refused);
    await writeFile(path.join(home, "outside", jobId), "kept");
    const id = `${jobId}.1`;
    await expect(store.uploadPart(object, id, 1, text("x"))).rejects.toMatchObject(refused);
    await expect(store.completeUpload(object, id, ["1-4"])).rejects.toMatchObject(refused);
    await expect(store.abortUpload(object, id)).rejects.toMatchObject(refused);
    expect(await readdir(path.join(home, "outside"))).toEqual([jobId]);
    expect((await stat(path.join(home, "outside", jobId))).size).toBe(4);
  });

  test("protect the targets of links when a job's folder is removed", async () => {
    await mkdir(path.join(home, "outside/.uploads"), { recursive: true });
    await writeFile(path.join(home, "outside/.uploads/x"), "kept");
    await store.createUpload(at(`${jobId}/a/x`));
    await symlink(path.join(home, "outside"), path.join(root, jobId, "link"));
    await symlink(path.join(home, "outside"), path.join(root, jobId, "a/.uploads/link"));
    await symlink(path.join(home, "secret"), path.join(root, jobId, "file"));
    await store.remove([at(`${jobId}/file`), at(`${jobId}/`)]);
    expect(await readdir(path.join(home, "outside/.uploads"))).toEqual(["x"]);
    expect((await stat(path.join(home, "secret"))).size).toBe(6);
    expect(await readdir(path.join(root, jobId))).toEqual(["link"]);
  });

  test("replace a dangling link instead of following it", async () => {
    for (const [index, name] of ["put", "completed"].entries()) {
      await symlink(path.join(home, `new-${index}`), path.join(root, name));
    }
    await expect(store.read(at("put"))).rejects.toMatchObject({ code: "NoSuchKey" });
    await store.put(at("put"), text("x"));
    const id = await store.createUpload(at("completed"));
    const tag = await store.uploadPart(at("completed"), id, 1, text("x"));
    expect(await store.completeUpload(at("completed"), id, [tag])).toBe("completed");
    await symlink(path.join(home, "folder"), path.join(root, "folder"));
    await expect(store.put(at("folder/x"), text("x"))).rejects.toMatchObject({ name: "StorageError" });
    expect((await readdir(home)).toSorted()).toEqual(["root", "secret"]);
  });

  test("do not contain a pattern or prefix that leads outside", async () => {
    await symlink(home, path.join(root, "out"));
    for (const name of ["out/", "out/s", "out/*", "o*/secret", "../*", "**"]) {
      const input = { address: at(name), written: at(name).path };
      await expect(all(listInputs(store, input)), name).rejects.toMatchObject(refused);
    }
  });

  test("contain a name that only looks like a way out", async () => {
    for (const name of ["%2e%2e", "..%2fsecret", "...", "a\\..\\b", "x..", "a\nb"]) {
      await store.put(at(name), text(name));
      expect((await bytesOf(await store.read(at(name)))).toString()).toBe(name);
    }
    expect((await readdir(home)).toSorted()).toEqual(["root", "secret"]);
    expect(await tree()).toHaveLength(6);
  });

  test("refuse a name with a NUL, and a link to itself", async () => {
    await symlink(path.join(root, "self"), path.join(root, "self"));
    await expect(store.read(at("self"))).rejects.toMatchObject({ name: "StorageError", code: "ELOOP" });
    for (const work of [() => store.read(at("a\0b")), () => store.put(at("a\0b"), text("x"))]) {
      await expect(work()).rejects.toMatchObject({ code: "ERR_INVALID_ARG_VALUE" });
    }
    expect(await tree()).toEqual(["self"]);
  });

  test.runIf(process.platform === "linux")(
    "do not contain the target of a link that appears after the check",
    async () => {
      await mkdir(path.join(root, "folder"));
      await writeFile(path.join(root, "folder/secret"), "public");
      const roots = new FileRoots([root]);
      const real = roots.real(path.join(root, "folder/secret"));
      await rename(path.join(root, "folder"), path.join(root, "gone"));
      await symlink(home, path.join(root, "folder"));
      const options = { range: undefined, etag: undefined, reusesMemory: false, signal: undefined };
      await expect(readFileAt(roots, at("folder/secret"), real, options)).rejects.toMatchObject(refused);
      await expect(openFileAt(roots, at("folder/secret"), real, "")).rejects.toMatchObject(refused);
      await expect(putFile(roots, path.join(root, "folder/new"), text("x"))).rejects.toMatchObject(refused);
      await rm(path.join(root, "folder"));
      await symlink(path.join(home, "secret"), path.join(root, "folder"));
      await expect(readFileAt(roots, at("folder"), path.join(root, "folder"), options)).rejects.toMatchObject({
        code: "NoSuchKey",
      });
      expect((await readdir(home)).toSorted()).toEqual(["root", "secret"]);
    },
  );

  test("can be reached through links, and links within them are followed, but not in circles", async () => {
    await store.put(at("data/x"), text("x"));
    await symlink(path.join(root, "data"), path.join(root, "link"));
    await symlink(root, path.join(root, "data/circle"));
    await symlink(path.join(root, "nowhere"), path.join(root, "dangling"));
    await symlink(root, path.join(home, "alias"));
    expect((await bytesOf(await store.read({ scheme: "file", path: `${home}/alias/link/x` }))).toString()).toBe("x");
    expect(await names("")).toEqual(["data/x", "link/x"]);
  });

  test("allow nothing if there are none", async () => {
    await expect(new FileStore([]).head(at("x"))).rejects.toMatchObject(refused);
  });
});

describe("what is left behind", () => {
  test("is nothing once the shuffle's last file is gone", async () => {
    await store.put(at("keep/x"), text("x"));
    const shuffle = [at(`.edgefold/${jobId}/m-0`), at(`.edgefold/${jobId}/deep/m-1`)];
    for (const each of shuffle) await store.put(each, text("x"));
    await store.remove(shuffle.slice(0, 1));
    expect(await names(`.edgefold/${jobId}/`)).toEqual([`.edgefold/${jobId}/deep/m-1`]);
    await store.remove(shuffle);
    expect(await tree()).toEqual(["keep", "keep/x"]);
  });

  test("includes the user's own folder, empty or not", async () => {
    await mkdir(path.join(root, "out/empty"), { recursive: true });
    await store.put(at(`out/${jobId}/part-r-00000`), text("x"));
    await store.remove([at(`out/${jobId}/part-r-00000`)]);
    await store.put(at("out/empty/x"), text("x"));
    await store.remove([at("out/empty/x"), at("out/empty"), at("out/empty/")]);
    expect(await tree()).toEqual(["out", "out/empty"]);
  });

  test("is nothing of an upload that was aborted", async () => {
    const [one, other] = [await store.createUpload(at(`${jobId}/a`)), await store.createUpload(at(`${jobId}/b`))];
    await store.abortUpload(at(`${jobId}/a`), one);
    expect(await tree()).toHaveLength(3);
    await store.abortUpload(at(`${jobId}/b`), other);
    expect(await tree()).toEqual([]);
  });

  test("is nothing of an abandoned upload once its folder is removed", async () => {
    await store.createUpload(at(`.edgefold/${jobId}/m-0`));
    await store.createUpload(at(`.edgefold/${jobId}/deep/m-1`));
    await store.put(at(`.edgefold/${jobId}/m-2`), text("x"));
    await store.remove([at(`.edgefold/${jobId}/`)]);
    expect(await tree()).toEqual([".edgefold", `.edgefold/${jobId}`, `.edgefold/${jobId}/m-2`]);
    await store.remove([at(`.edgefold/${jobId}/m-2`), at(`.edgefold/${jobId}/`)]);
    expect(await tree()).toEqual([]);
  });

  test("includes the root itself, even if it is empty", async () => {
    const own = path.join(root, jobId);
    const narrow = new FileStore([own]);
    await narrow.put(at(`${jobId}/x`), text("x"));
    await narrow.remove([at(`${jobId}/x`)]);
    expect(await tree()).toEqual([jobId]);
  });

  test("is nothing after concurrent writers, which do not hinder each other", async () => {
    const writing = Array.from({ length: 40 }, async (_, index) => {
      const object = at(`.edgefold/${jobId}/m-${index}`);
      await store.put(object, text("x"));
      const id = await store.createUpload(object);
      await store.abortUpload(object, id);
      await store.remove([object]);
    });
    await Promise.all(writing);
    expect(await tree()).toEqual([]);
  });
});

const object = (): FileAddress => at("out/object");

describe("a completion", () => {
  test.each([
    ["none", () => []],
    ["in another order", (tags: string[]) => tags.toReversed()],
    ["fewer", (tags: string[]) => tags.slice(0, 1)],
    ["of another store", () => ['"etag"']],
  ])("refuses parts: %s", async (_name, change) => {
    const id = await store.createUpload(object());
    const tags = [
      await store.uploadPart(object(), id, 1, pattern(partSize)),
      await store.uploadPart(object(), id, 2, text("x")),
    ];
    await expect(store.completeUpload(object(), id, change(tags))).rejects.toMatchObject({ code: "InvalidPart" });
    expect(await store.head(object())).toBeUndefined();
    expect(await store.completeUpload(object(), id, tags)).toBe("completed");
  });

  test("refuses a short part that is not the last", async () => {
    const id = await store.createUpload(object());
    const tags = [
      await store.uploadPart(object(), id, 1, text("x")),
      await store.uploadPart(object(), id, 2, text("x")),
    ];
    await expect(store.completeUpload(object(), id, tags)).rejects.toMatchObject({ code: "InvalidPart" });
  });

  test("of an unknown id counts as lost", async () => {
    for (const id of ["../../x", "", "x.1", `${jobId}.99`]) {
      expect(await store.completeUpload(object(), id, ["1-0"])).toBe("lost");
      await expect(store.uploadPart(object(), id, 1, text("x"))).rejects.toMatchObject({ code: "NoSuchUpload" });
      await store.abortUpload(object(), id);
    }
  });
});

describe("errors of the operating system", () => {
  test("keep their code and name the address", async () => {
    await store.put(at("file"), text("x"));
    await mkdir(path.join(root, "folder"));
    await expect(store.put(at("file/below"), text("x"))).rejects.toMatchObject({
      name: "StorageError",
      code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
      message: expect.stringContaining("file/below"),
    });
    await expect(store.put(at("folder"), text("x"))).rejects.toMatchObject({ name: "StorageError", code: "EISDIR" });
    await expect(store.put(at("folder/"), text("x"))).rejects.toMatchObject({ name: "StorageError", code: "EISDIR" });
    expect(await tree()).toEqual(["file", "folder"]);
  });

  test("a folder is not an object", async () => {
    await mkdir(path.join(root, "folder"));
    expect(await store.head(at("folder"))).toBeUndefined();
    await expect(store.read(at("folder"))).rejects.toMatchObject({ code: "NoSuchKey" });
  });
});

describe("a file that changes under its reader", () => {
  test("and becomes shorter causes an error", async () => {
    await writeFile(at("x").path, pattern(2_000_000));
    const stream = await store.read(at("x"));
    await truncate(at("x").path, 1000);
    await expect(bytesOf(stream)).rejects.toMatchObject({ code: "TruncatedBody" });
  });

  test("and becomes longer causes an error if it must not change", async () => {
    await writeFile(at("x").path, pattern(2_000_000));
    const [free, bound] = [
      await store.read(at("x")),
      await store.read(at("x"), undefined, (await store.head(at("x")))?.etag),
    ];
    await appendFile(at("x").path, "more");
    expect(await bytesOf(free)).toHaveLength(2_000_000);
    await expect(bytesOf(bound)).rejects.toMatchObject({ code: "ObjectChanged" });
  });
});

/** The content of each input, by its path within the root. */
const readInputs = async (written: string): Promise<Record<string, string>> => {
  const input = parseInput(`${formatAddress({ scheme: "file", path: root })}/${written}`, false);
  const found: Record<string, string> = {};
  for await (const { address, etag } of listInputs(store, input)) {
    // As addresses are sent between the runner and the Worker.
    const again = parseAddress(formatAddress(address), false);
    expect(again).toEqual(address);
    found[path.relative(root, keyOf(again))] = (await bytesOf(await store.read(again, undefined, etag))).toString();
    const file = await store.open(again, etag);
    file.check();
    file.close();
  }
  return found;
};

/** The path of a name with these bytes, which not every file system accepts. */
const bytePath = (name: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, "latin1")]);

describe("names that are not plain text", () => {
  test("are read in a folder, by a pattern and by themselves", async () => {
    const odd = [
      "a\nb",
      "100%",
      "a%20b",
      "a#b",
      "a?b",
      "a b ",
      " a",
      "a*b",
      "[a]",
      "{a,b}",
      "\\",
      "\ufeffa",
      "a\r",
      "é",
      "e\u0301",
      "\u{1F600}",
    ];
    await mkdir(path.join(root, "odd"));
    for (const name of odd) await writeFile(path.join(root, "odd", name), name);
    const expected = Object.fromEntries(odd.map((name) => [`odd/${name}`, name]));
    expect(await readInputs("odd/")).toEqual(expected);
    expect(await readInputs("odd/*")).toEqual(expected);
    for (const name of odd) {
      const written = formatAddress(at(`odd/${name}`)).slice(formatAddress(at("")).length);
      expect(await readInputs(written), name).toEqual({ [`odd/${name}`]: name });
    }
  });

  test.runIf(process.platform === "linux")("are read if their bytes are not UTF-8, in byte order", async () => {
    await mkdir(bytePath("caf\xe9"));
    const odd = ["caf\xe9/caf\xe9.txt", "caf\xe9/\xff\xfe", "caf\xe9/\xc3", "caf\xe9/z\xc3\xa9", "plain"];
    for (const name of odd) await writeFile(bytePath(name), name);
    await symlink(bytePath("caf\xe9/caf\xe9.txt"), bytePath("link"));
    const texts = odd.map((name) => textOfBytes(Buffer.from(name, "latin1")));
    expect(Object.values(await readInputs(""))).toEqual([
      "caf\xe9/caf\xe9.txt",
      "caf\xe9/z\xc3\xa9",
      "caf\xe9/\xc3",
      "caf\xe9/\xff\xfe",
      "caf\xe9/caf\xe9.txt",
      "plain",
    ]);
    expect(Object.keys(await readInputs("caf%E9/")).toSorted()).toEqual(texts.slice(0, 4).toSorted());
    expect(await readInputs("caf%E9/caf%E9.txt")).toEqual({ [texts[0] ?? ""]: odd[0] });
    expect(await readInputs("caf?/caf?.*")).toEqual({ [texts[0] ?? ""]: odd[0] });
    await expect(readInputs("caf%E8/")).rejects.toMatchObject({
      code: "NoInput",
      message: expect.stringContaining("caf%E8/"),
    });
    await expect(readInputs("%E8")).rejects.toMatchObject({
      code: "NoSuchKey",
      message: expect.stringContaining("/%E8: "),
    });
  });

  test.runIf(process.platform === "linux")("cannot be written to if their bytes are not UTF-8", async () => {
    await mkdir(bytePath("caf\xe9"));
    await symlink(bytePath("caf\xe9"), bytePath("link"));
    for (const name of ["caf\udce9/x", "link/x", "\udce9"]) {
      await expect(store.put(at(name), text("x"))).rejects.toMatchObject({ code: "EILSEQ" });
      await expect(store.createUpload(at(name))).rejects.toMatchObject({ code: "EILSEQ" });
    }
    expect((await readdir(root, { encoding: "buffer" })).length).toBe(2);
  });

  test.skipIf(process.getuid?.() === 0)("do not hide an unreadable folder: the error names it", async () => {
    await store.put(at("data/closed/x"), text("x"));
    await chmod(path.join(root, "data/closed"), 0o000);
    try {
      await expect(readInputs("data/")).rejects.toMatchObject({
        code: "EACCES",
        message: expect.stringContaining("data/closed/"),
      });
    } finally {
      await chmod(path.join(root, "data/closed"), 0o700);
    }
  });
});
