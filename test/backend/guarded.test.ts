import { expect, test } from "vitest";
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
