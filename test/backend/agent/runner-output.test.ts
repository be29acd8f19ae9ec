import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { expect, it } from "vitest";
import { RunnerOutput } from "../../../backend/agent/launchers/runner-output.ts";

const read = async (chunks: readonly (string | Buffer)[]) => {
  const lines: string[] = [];
  const output = new RunnerOutput((line) => void lines.push(line));
  const stream = new PassThrough();
  output.read(stream);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return { lines, tail: output.tail };
};

it("joins lines that were cut anywhere, even within a character", async () => {
  const bytes = Buffer.from("één\n\ntwee");
  const { lines } = await read([...bytes].map((byte) => Buffer.of(byte)));
  expect(lines).toEqual(["één", "", "twee"]);
});

it("cuts long lines and keeps a bounded tail", async () => {
  const { lines, tail } = await read(["x".repeat(10_000), "\n", "y".repeat(5_000), "\n", "z\n".repeat(100)]);
  expect(lines.map((line) => line.length).slice(0, 5)).toEqual([4096, 4096, 1808, 4096, 904]);
  expect(tail).toBe(Array(20).fill("z").join("\n"));
  expect((await read(["x".repeat(1_000_000)])).tail.length).toBeLessThanOrEqual(8_192);
});
