import { expect, test } from "vitest";
import { groupMembers } from "../../backend/process-groups.ts";
import { Guarded } from "../../backend/host/guarded.ts";

test("lines arrive whole, however they are written", async () => {
  const script = `
    process.stdout.write("agent con");
    setTimeout(() => process.stdout.write("nected\\n\\nread"), 50);
    setTimeout(() => process.stdout.write("y"), 100);`;
  const lines: string[] = [];
  const command = new Guarded(["-e", script], process.env, (line) => lines.push(line));
  await command.exited;
  await expect.poll(() => lines).toEqual(["agent connected", "ready"]);
  expect(command.tail).toBe("agent connected\n\nready\n");
});

test("nothing of it is alive after it was stopped, not even what its command left behind", async () => {
  const script = `
    const { spawn } = require("node:child_process");
    for (let i = 0; i < 20; i++) spawn("sleep", ["100"]);
    process.on("SIGTERM", () => process.exit(0));
    console.log("ready");`;
  const { promise, resolve } = Promise.withResolvers<string>();
  const command = new Guarded(["-e", script], process.env, resolve);
  await promise;
  const group = command.pid ?? 0;
  expect(groupMembers(group)).toHaveLength(22);
  await command.stop();
  expect(groupMembers(group)).toEqual([]);
});
