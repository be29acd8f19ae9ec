import { describe, expect, it } from "vitest";
import { parseMoment, showBytes, showDuration } from "../../../client/show/quantity.ts";
import { advance, beginning, progressText } from "../../../client/cli/show/progress.ts";
import { asLines, layOut } from "../../../client/cli/show/table.ts";
import { oneLine, plainText } from "../../../client/cli/show/text.ts";
import { optionsOf, programText } from "../../../client/show/job-text.ts";
import type { JobRequest, JournalEvent } from "../../../client/sdk/index.ts";

describe("quantities", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 KB"],
    [9_994, "9.99 KB"],
    [12_345, "12.3 KB"],
    [999_499, "999 KB"],
    [999_500, "1.00 MB"],
    [5e15, "5.00 PB"],
  ])("%i bytes are %s", (bytes, shown) => expect(showBytes(bytes)).toBe(shown));

  it.each([
    [-5, "0.0s"],
    [940, "0.9s"],
    [12_400, "12s"],
    [60_000, "1m"],
    [200_000, "3m 20s"],
    [3_600_000, "1h"],
    [90_061_000, "1d 1h"],
  ])("%i ms are %s", (ms, shown) => expect(showDuration(ms)).toBe(shown));

  it.each([
    ["90m", 1e12 - 90 * 60_000],
    ["1.5d", 1e12 - 129_600_000],
    ["2026-11-29T12:00:00Z", Date.UTC(2026, 10, 29, 12)],
    ["soon", undefined],
    ["", undefined],
  ])("the moment '%s'", (text, ms) => expect(parseMoment(text, 1e12)).toBe(ms));
});

describe("what others have written", () => {
  it("runs as no escape sequence", () => {
    expect(plainText("a\u001b[2Jb\u009b31mc\r\n\td")).toBe("a\uFFFD[2Jb\uFFFD31mc\uFFFD\n\td");
    expect(oneLine(" a\n\n b\tc ")).toBe("a b c");
  });
});

describe("a list", () => {
  const columns = [
    { title: "NAME", value: ({ name }: { name: string }) => name },
    { title: "N", value: () => "1" },
    { title: "LAST", value: ({ name }: { name: string }) => name.repeat(20) },
  ];
  const items = [{ name: "ab" }, { name: "日本語" }];

  it("is aligned on a terminal by the width of its characters, and cut to it", () => {
    const lines = layOut(columns, items, 40).split("\n");
    expect(lines).toEqual([
      "NAME    N  LAST",
      "ab      1  abababababababababababababab…",
      "日本語  1  日本語日本語日本語日本語日本…",
    ]);
  });

  it("has a tab between its cells for other programs", () => {
    expect(asLines(columns.slice(0, 2), [{ name: "a\tb\nc" }])).toBe("a b c\t1");
  });
});

describe("a job's programs", () => {
  const request: JobRequest = {
    inputPath: "s3://data/in/",
    outputPath: "s3://data/out/",
    mapperName: "map.py",
    mapperArgs: ["-n"],
    aggregate: "sum",
    splitSize: 5,
  };
  const programs = {
    mapper: { name: "map.py", type: "executable", size: 1200, hash: "0123456789abcdef" },
    reducer: { name: "sum", type: "builtin", size: 0, hash: "" },
  } as const;

  it("are shown with arguments, size and hash, or as built in", () => {
    expect(programText({ programs, request }, "mapper")).toBe("map.py -n (executable, 1.20 KB, 0123456789ab)");
    expect(programText({ programs, request }, "reducer")).toBe("sum (built in)");
    expect(programText({ programs, request }, "combiner")).toBeUndefined();
  });

  it("are not shown a second time among the options", () => {
    expect(optionsOf({ request })).toEqual([
      ["mapperArgs", '["-n"]'],
      ["splitSize", "5"],
    ]);
  });
});

const event = (status: "mapping" | "reducing"): JournalEvent => ({ id: 1, time: 5, kind: "job", status, error: null });

describe("progress", () => {
  const counts = { total: 4, running: 1, completed: 2, failed: 1 };

  it("follows from the events", () => {
    let progress = advance(beginning("pending", 1), event("mapping"));
    const none = { total: 2, running: 0, completed: 0, failed: 0 };
    progress = advance(progress, {
      id: 2,
      time: 6,
      kind: "progress",
      maps: counts,
      reduces: none,
      counters: { builtin: {}, user: {} },
    });
    expect(progress).toMatchObject({ status: "mapping", since: 5, maps: counts });
    expect(progressText(progress)).toBe("mapping: 2 of 4 maps");
    expect(progressText(advance(progress, event("reducing")))).toBe("reducing: 0 of 2 reduces");
  });
});
