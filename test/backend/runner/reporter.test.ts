import { expect, test } from "vitest";
import { StderrReader } from "../../../backend/runner/programs/reporter.ts";

type Reported = {
  counters: [string, string, number][];
  statuses: string[];
  malformed: number;
  tail: string;
  log: string;
};

/** What a reader makes of a text that arrives in pieces of this length. */
const read = (text: string | Buffer, pieceLength = 65_536): Reported => {
  const reported: Reported = { counters: [], statuses: [], malformed: 0, tail: "", log: "" };
  const reader = new StderrReader({
    counter: (...counter) => void reported.counters.push(counter),
    status: (status) => void reported.statuses.push(status),
    malformed: () => void reported.malformed++,
    log: (bytes) => void (reported.log += bytes.toString("latin1")),
  });
  const bytes = Buffer.from(text);
  // A reader only borrows its bytes: they change after each call.
  const lent = Buffer.alloc(pieceLength);
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const length = bytes.copy(lent, 0, at, at + pieceLength);
    reader.push(lent.subarray(0, length));
    lent.fill(0x21);
  }
  reader.end();
  return { ...reported, tail: reader.tail() };
};

test.each<[string, string | Buffer, Partial<Reported>]>([
  ["a counter", "reporter:counter:g,n,2\n", { counters: [["g", "n", 2]] }],
  ["no last newline", "reporter:counter:g,n,2", { counters: [], tail: "reporter:counter:g,n,2" }],
  [
    "a carriage return",
    "reporter:counter:g,n,2\r\nreporter:status:x\r\n",
    { counters: [["g", "n", 2]], statuses: ["x"] },
  ],
  ["spaces", "reporter:counter: g , n , 2\n", { counters: [["g", "n", 2]] }],
  [
    "a sign, and zeros in front",
    "reporter:counter:g,n,-002\nreporter:counter:g,n,+3\n",
    {
      counters: [
        ["g", "n", -2],
        ["g", "n", 3],
      ],
    },
  ],
  ["empty names", "reporter:counter:,,1\n", { counters: [["", "", 1]] }],
  ["an amount beyond the safe integers", `reporter:counter:g,m,1${"0".repeat(309)}\n`, { counters: [], malformed: 1 }],
  [
    "2 to the 53rd",
    "reporter:counter:g,m,9007199254740992\n",
    { counters: [], malformed: 1, tail: "reporter:counter:g,m,9007199254740992" },
  ],
  ["a fraction", "reporter:counter:g,m,1.5\n", { counters: [], malformed: 1 }],
  ["other words", "reporter:progress:1\n", { malformed: 1, tail: "reporter:progress:1" }],
  ["a report within a line", "a reporter:status:x\n", { statuses: [], malformed: 0, tail: "a reporter:status:x" }],
  ["reports between lines", "a\nreporter:status:x\nb\nreporter:status:y\nc", { statuses: ["x", "y"], tail: "a\nb\nc" }],
  ["a beginning of a report", "repor\nreporter", { malformed: 0, tail: "repor\nreporter" }],
  ["NUL and no UTF-8", Buffer.from("reporter:status:a\0\xffb\n", "latin1"), { statuses: ["a\0\ufffdb"] }],
  [
    "a report without an end",
    `reporter:status:${"x".repeat(100_000)}\nreporter:status:y\n`,
    { statuses: ["y"], malformed: 1 },
  ],
  [
    "a line without an end",
    `${"x".repeat(100_000)}reporter:status:x\nreporter:status:y\n`,
    { statuses: ["y"], malformed: 0 },
  ],
])("%s", (_, text, wanted) => {
  for (const pieceLength of [1, 3, 7, 9, 10, 16, 8_192, 65_536]) expect(read(text, pieceLength)).toMatchObject(wanted);
});

test("only the end of the rest is kept", () => {
  const { tail } = read("a line\n".repeat(100_000) + "last\n");
  expect(tail).toMatch(/a line\nlast$/);
  expect(tail.length).toBeLessThanOrEqual(8_192);
});
