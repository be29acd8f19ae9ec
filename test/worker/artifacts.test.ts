import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ArtifactSchema, StoredArtifactSchema } from "../../shared/api/artifacts.ts";
import { runInRegistry } from "./objects.ts";
import { call, jsonOf, openEnv, problemOf, sha256, upload } from "./api.ts";
import { settle, storedKeys } from "./registry-helpers.ts";

const path = (name: string): string => `/api/v1/artifacts/${encodeURIComponent(name)}`;
const stored = async (): Promise<number> => (await storedKeys()).length;

/** Pseudo-random bytes without short-range repetition, containing fragments of a multipart boundary. */
const pattern = (size: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(size);
  let x = 1;
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = x >>> 24;
  }
  bytes.set(new TextEncoder().encode("\r\n--boundar\r\n--\r\n\r\n--boundary"), Math.min(100, size));
  return bytes;
};

/** A property of a proxied object; methods stay bound to it. */
const bound = (target: object, property: string | symbol): unknown => {
  const value: unknown = Reflect.get(target, property);
  return typeof value === "function" ? value.bind(target) : value;
};

describe("an upload", () => {
  it.each([
    ["nothing", 0],
    ["one byte more than the first buffer", 64 * 1024 + 1],
    ["one byte less than a part", 5 * 1024 * 1024 - 1],
    ["a part", 5 * 1024 * 1024],
    ["one byte more than a part", 5 * 1024 * 1024 + 1],
    ["two parts and some", 13_000_003],
  ])("of %s is downloaded unchanged", async (_, size) => {
    const content = size === 0 ? new Uint8Array() : pattern(size);
    const response = await upload("program", content, "file");
    expect(response.status).toBe(200);
    const artifact = { name: "program", type: "file", size, hash: await sha256(content) };
    expect(await response.json()).toMatchObject(artifact);
    const metadata = await call("GET", path("program"));
    expect(await metadata.json()).toMatchObject(artifact);

    const download = await call("GET", `${path("program")}/content`);
    expect(download.headers.get("Content-Length")).toBe(String(size));
    expect(download.headers.get("Content-Type")).toBe("application/octet-stream");
    expect(download.headers.get("ETag")).toBe(`"${artifact.hash}"`);
    expect(await sha256(await download.arrayBuffer())).toBe(artifact.hash);
  });

  it("waits while a few others hold a part in memory", async () => {
    let open = 0;
    let most = 0;
    const ARTIFACTS = new Proxy(openEnv.ARTIFACTS, {
      get: (bucket, property) => {
        if (property !== "createMultipartUpload") return bound(bucket, property);
        return async (key: string) => {
          most = Math.max(most, ++open);
          const multipart = await bucket.createMultipartUpload(key);
          return new Proxy(multipart, {
            get: (target, name) => {
              if (name === "complete") open--;
              return bound(target, name);
            },
          });
        };
      },
    });
    const content = pattern(6_000_000);
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const form = new FormData();
        form.append("program", new Blob([content]), `together-${n}`);
        form.append("type", "file");
        return await call("PUT", "/api/v1/artifacts", { env: { ...openEnv, ARTIFACTS }, body: form });
      }),
    );
    const hash = await sha256(content);
    for (const answer of answers) expect(await answer.json()).toMatchObject({ hash, size: content.length });
    expect(most).toBeLessThanOrEqual(6);
    expect(open).toBe(0);
  });

  it("with a Content-Length above the limit is refused before it is read", async () => {
    const headers = { "Content-Type": "multipart/form-data; boundary=x", "Content-Length": "500000001" };
    const response = await call("PUT", "/api/v1/artifacts", { headers, body: new Uint8Array(10) });
    expect(await problemOf(response)).toMatchObject({
      type: "urn:edgefold:problem:body-too-large",
      status: 413,
      detail: "The body must have at most 500000000 bytes.",
    });
  });

  it("of an existing name replaces it and deletes the old content", async () => {
    await upload("again", "#!first");
    await settle();
    const before = await stored();
    const second = await jsonOf(ArtifactSchema, await upload("again", "second", "module"));
    expect(second.type).toBe("module");
    await settle();
    expect(await stored()).toBe(before);
    expect(await (await call("GET", `${path("again")}/content`)).text()).toBe("second");
  });

  it("can be deleted, once", async () => {
    await upload("gone", "#!x");
    await settle();
    const before = await stored();
    const response = await call("DELETE", `${path("gone")}/`);
    expect([response.status, await response.text()]).toEqual([204, ""]);
    await settle();
    expect(await stored()).toBe(before - 1);
    expect((await call("GET", path("gone"))).status).toBe(404);
    expect((await call("DELETE", path("gone"))).status).toBe(404);
  });

  it.each(['a "quoted" 100% name', "жü 日本.py", "with space", "%41", "a'b(c)*", "-", "x".repeat(255)])(
    "can be named %s",
    async (name) => {
      expect(await jsonOf(ArtifactSchema, await upload(name, `#!${name}`))).toMatchObject({ name });
      expect(await jsonOf(ArtifactSchema, await call("GET", path(name)))).toMatchObject({ name });
      const download = await call("GET", `${path(name)}/content`);
      expect(await download.text()).toBe(`#!${name}`);
      const encoded = /filename\*=UTF-8''(\S+)$/.exec(download.headers.get("Content-Disposition") ?? "")?.[1];
      expect(decodeURIComponent(encoded ?? "")).toBe(name);
      expect((await call("DELETE", path(name))).status).toBe(204);
    },
  );
});

const boundary = "boundary";
const part = (disposition: string, content: string): string =>
  `--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\n${content}\r\n`;
const end = `--${boundary}--\r\n`;
const file = part('form-data; name="program"; filename="formed"', "#!12345");
const type = (value: string): string => part('form-data; name="type"', value);

const putForm = async (body: BodyInit, contentType = `multipart/form-data; boundary=${boundary}`): Promise<Response> =>
  await call("PUT", "/api/v1/artifacts", { headers: { "Content-Type": contentType }, body });

const form = (size: number): string =>
  type("module") + part('form-data; name="program"; filename="cut"', "x".repeat(size)) + end;

/** Expects an upload to be refused and to leave nothing behind. */
const expectRefusal = async (name: string, content: string, given: string | undefined, cure: string): Promise<void> => {
  await settle();
  const before = await stored();
  const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
  const response = await upload(name, bytes, given);
  expect(response.status).toBe(400);
  const [error] = (await problemOf(response)).errors ?? [];
  expect(error).toMatchObject({ field: "program", message: expect.stringContaining(cure) });
  await settle();
  expect(await stored()).toBe(before);
};

describe("a form", () => {
  it.each([
    ["the file alone", file + end, "executable"],
    ["the type before the file", type("module") + file + end, "module"],
    ["the type after the file", file + type("module") + end, "module"],
    ["something before and after", `before\r\n${file}${end}after`, "executable"],
    ["no line end after the end", file + `--${boundary}--`, "executable"],
    ["an old curl's escapes", part('form-data; name="program"; filename="fo\\"rm"', "#!12345") + end, "executable"],
  ])("with %s is accepted", async (_, body, wanted) => {
    const artifact = await jsonOf(ArtifactSchema, await putForm(body));
    expect(artifact).toMatchObject({ type: wanted, size: 7, hash: await sha256(new TextEncoder().encode("#!12345")) });
  });

  it.each([
    ["an unknown field", file + part('form-data; name="colour"', "x") + end, "colour"],
    ["an unknown file", part('form-data; name="other"; filename="x"', "x") + end, "other"],
    ["two files", file + file + end, "program"],
    ["two types", type("module") + type("module") + file + end, "type"],
    ["an unknown type", file + type("binary") + end, "type"],
    ["an overlong type", type("x".repeat(5000)) + file + end, "type"],
    ["no file", type("module") + end, "program"],
    ["a file without a name", part('form-data; name="program"', "x") + end, "program"],
    ["an empty name", part('form-data; name="program"; filename=""', "x") + end, "program"],
    ["a name with a slash", part('form-data; name="program"; filename="a/b"', "x") + end, "program"],
    ["a name with a line end", part('form-data; name="program"; filename="a%0Ab"', "x") + end, "program"],
    ["a name that is a folder", part('form-data; name="program"; filename=".."', "x") + end, "program"],
    ["a name that is too long", part(`form-data; name="program"; filename="${"ü".repeat(128)}"`, "x") + end, "program"],
  ])("with %s is refused, naming the field", async (_, body, field) => {
    const response = await putForm(body);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.map((error) => error.field)).toEqual([field]);
  });

  it.each([
    ["nothing", ""],
    ["no boundary", "just text"],
    ["no end", file],
    ["half a file", file.slice(0, -6)],
    ["half an end", file + end.slice(0, -3)],
    ["no disposition", `--${boundary}\r\nX: y\r\n\r\nz\r\n${end}`],
    ["bad headers", `--${boundary}\r\n:::\r\n\r\nz\r\n${end}`],
    ["another disposition", part('attachment; name="program"; filename="x"', "x") + end],
  ])("that has %s is refused and leaves nothing behind", async (_, body) => {
    await settle();
    const before = await stored();
    const response = await putForm(body);
    expect(response.status).toBe(400);
    expect((await problemOf(response)).type).toMatch(/malformed-form|invalid-request/);
    await settle();
    expect(await stored()).toBe(before);
  });

  it.each([
    ["a script", "a.py", "#!/usr/bin/env python3\n", "executable"],
    ["a module by its name", "a.mjs", "export const map = 1;", "module"],
    ["a TypeScript module by its name", "a.MTS", "export const map = 1;", "module"],
    ["a script despite its name", "a.mjs", "#!/usr/bin/env node\n", "executable"],
    ["a program for Linux", "a", `\u007fELF\u0002\u0001\u0001${"\0".repeat(9)}\u0002\0>\0`, "executable"],
    ["a shared library", "a.so", `\u007fELF\u0002\u0001\u0001${"\0".repeat(9)}\u0003\0>\0${"\0".repeat(12)}`, "file"],
    ["text", "stop.txt", "the\na\n", "file"],
    ["nothing", "empty", "", "file"],
    ["a program for Windows", "a.exe", "MZ......", "file"],
    ["a compressed tar archive", "a.tar.gz", "\u001f\u008b\b\0", "archive"],
    ["a compressed tar archive with the short suffix", "A.TGZ", "\u001f\u008b\b\0", "archive"],
    ["a tar archive", "a.tar", `${"\0".repeat(257)}ustar`, "archive"],
    ["a zip archive", "a.zip", "PK\u0003\u0004...", "archive"],
    ["a compressed file", "a.gz", "\u001f\u008b\b\0", "file"],
  ])("with %s and no type gets the right type", async (_, name, content, wanted) => {
    const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
    expect(await jsonOf(ArtifactSchema, await upload(name, bytes))).toMatchObject({ name, type: wanted });
  });

  it.each([
    ["no interpreter", "print(1)\n", "--form type=module"],
    ["nothing", "", "is an empty file"],
    ["Windows line endings", "#!/usr/bin/env python3\r\nprint(1)\r\n", "sed -i"],
    ["a zip archive", "PK\u0003\u0004...", "is a zip archive"],
    ["a program for Windows", "MZ......", "is built for Windows"],
  ])("of an executable with %s is refused with a fix, and leaves nothing behind", async (_, content, cure) => {
    await expectRefusal("unusable", content, "executable", cure);
  });

  it.each([
    ["a script with Windows line endings", "a.py", "#!/usr/bin/env python3\r\n", undefined, "sed -i"],
    [
      "a module with a syntax error",
      "a.mjs",
      "export const map = 1;\nexport const = 2;\n",
      undefined,
      "is a module with a syntax error in line 2, column 14: Unexpected token. Correct it, or",
    ],
    ["a file declared as a module with a syntax error", "a", "export {", "module", "line 1, column 9"],
    [
      "a TypeScript module with a syntax error",
      "a.mts",
      "type A = string;\nconst a: = 1;",
      undefined,
      "line 2, column 10",
    ],
    ["TypeScript in JavaScript", "a.mjs", "type A = string;", undefined, "line 1, column 6"],
    ["an archive by name only", "a.tar.gz", "text", undefined, "is not a .tar.gz archive, as its name says: pack it"],
    ["an archive of another format", "a.zip", "\u001f\u008b\b\0", undefined, "is not a .zip archive, as its name says"],
    ["a text file declared as an archive", "a", "text", "archive", "is not a tar or zip archive: pack it"],
  ])("of %s is refused with a fix, and leaves nothing behind", async (_, name, content, given, cure) => {
    await expectRefusal(name, content, given, cure);
  });

  it.each([
    [
      "valid JavaScript",
      "fine.mjs",
      "#!\nimport x from 'y' with { type: 'json' };\nexport const map = await x();\n",
      "module",
    ],
    [
      "valid TypeScript",
      "fine.mts",
      "type A = { a?: string };\nexport const map = (a: A): void => undefined;\n",
      undefined,
    ],
    ["too much code to parse", "long.mjs", `${" ".repeat(256 * 1024)}}`, undefined],
    ["code that the parser gives up on", "deep.mjs", `a = ${"[".repeat(100_000)}`, undefined],
  ])("of a module with %s is left to the runner", async (_, name, content, given) => {
    expect(await jsonOf(ArtifactSchema, await upload(name, content, given))).toMatchObject({ type: "module" });
  });

  it("without a boundary is refused", async () => {
    const response = await putForm(file + end, "multipart/form-data");
    expect((await problemOf(response)).type).toBe("urn:edgefold:problem:malformed-form");
  });

  it("can end anywhere within a read", async () => {
    const readSize = 256 * 1024;
    // The form's last bytes fall before, on and after the boundary between two reads.
    for (let over = -2; over <= end.length + 2; over++) {
      const size = readSize - form(0).length + over;
      expect(await jsonOf(ArtifactSchema, await putForm(form(size)))).toMatchObject({ size });
    }
  });

  it("that breaks off after a part was stored leaves nothing behind", async () => {
    await settle();
    const before = await stored();
    const large = pattern(17 * 1024 * 1024);
    const head = new TextEncoder().encode(
      '--boundary\r\nContent-Disposition: form-data; name="program"; filename="cut"\r\n\r\n',
    );
    const body = new Uint8Array(head.length + large.length);
    body.set(head);
    body.set(large.fill(120, 0, 200), head.length);
    expect((await problemOf(await putForm(body))).type).toBe("urn:edgefold:problem:malformed-form");
    await settle();
    expect(await stored()).toBe(before);
    expect((await call("GET", path("cut"))).status).toBe(200);
  });
});

describe("1,200 artifacts", () => {
  const ListSchema = z.array(ArtifactSchema);
  const names = (list: z.infer<typeof ListSchema>): string[] => list.map(({ name }) => name);
  const all = Array.from({ length: 1200 }, (_, index) => `many-${index}`);

  it("are listed at once and in pages, newest first", async () => {
    await runInRegistry(async (registry) => {
      for (const name of all) {
        await registry.beginContent(`key-${name}`);
        expect(
          await registry.putArtifact({ name, type: "module", size: 1, hash: "00", key: `key-${name}` }, "me"),
        ).not.toBeNull();
      }
    });
    const whole = await call("GET", "/api/v1/artifacts");
    expect(whole.headers.get("Link")).toBeNull();
    const listed = names(await jsonOf(ListSchema, whole));
    expect(listed.slice(0, 1200)).toEqual(all.toReversed());

    const paged: string[] = [];
    let next: string | undefined = "/api/v1/artifacts?limit=500";
    const lengths: number[] = [];
    while (next !== undefined) {
      const page = await call("GET", next);
      const list = names(await jsonOf(ListSchema, page));
      paged.push(...list);
      lengths.push(list.length);
      const link = /^<(http:\/\/localhost:4750(\/[^>]+))>; rel="next"$/.exec(page.headers.get("Link") ?? "");
      next = link?.[2];
    }
    expect(paged).toEqual(listed);
    expect(lengths).toEqual([500, 500, listed.length - 1000]);

    const rest = await jsonOf(ListSchema, await call("GET", "/api/v1/artifacts?after=nonsense"));
    expect(rest).toEqual([]);
  });
});

describe("an artifact", () => {
  it("shows when and by whom it was uploaded, and is listed by type", async () => {
    const before = Date.now();
    await upload("typed.mjs", "export const map = 1;", "module");
    const shown = await jsonOf(StoredArtifactSchema, await call("GET", "/api/v1/artifacts/typed.mjs"));
    expect(shown).toMatchObject({ name: "typed.mjs", type: "module", uploadedBy: "local" });
    expect(shown.uploadedAt).toBeGreaterThanOrEqual(before);
    const ListSchema = z.array(StoredArtifactSchema);
    const first = async (wanted: string) =>
      (await jsonOf(ListSchema, await call("GET", `/api/v1/artifacts?limit=1&type=${wanted}`)))[0];
    expect(await first("module")).toEqual(shown);
    expect(await first("executable")).not.toMatchObject({ name: "typed.mjs" });
    expect((await call("GET", "/api/v1/artifacts?type=program")).status).toBe(400);
  });
});
