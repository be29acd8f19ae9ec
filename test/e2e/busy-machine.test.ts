import { spawn, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { Edgefold } from "../helpers/edgefold.ts";

/* Jobs make their machine busy, and the local host must cope. With BUSY_SECONDS=180 the test takes three minutes. */

const seconds = Number(process.env["BUSY_SECONDS"] ?? 10);
const busyPerCore = 10;
/** The busy processes exit by themselves this many milliseconds after the test's time, even if the test is killed. */
const spareMs = 120_000;

const busy: ChildProcess[] = [];
afterEach(() => {
  for (const process of busy.splice(0)) process.kill("SIGKILL");
});

const makeBusy = (): void => {
  const loop = `const end = Date.now() + ${seconds * 1000 + spareMs}; while (Date.now() < end);`;
  for (let n = 0; n < busyPerCore * availableParallelism(); n++) {
    busy.push(spawn(process.execPath, ["-e", loop], { stdio: "ignore" }));
  }
};

const lines = Array.from({ length: 20_000 }, (_, n) => `word${n % 500} ${"x".repeat(n % 40)}`);
const words = new Map<string, number>();
for (const word of lines.flatMap((line) => line.split(" "))) {
  if (word !== "") words.set(word, (words.get(word) ?? 0) + 1);
}
const expected = [...words].map(([word, count]) => `${word}\t${count}`).sort();

test("whole jobs on a busy machine", { timeout: seconds * 1000 + 240_000 }, async () => {
  makeBusy();
  let printed = "";
  const edgefold = await Edgefold.start({ log: (text) => (printed += text) });
  try {
    for (const name of ["mapper.awk", "reducer.awk"]) await edgefold.uploadFile(`examples/word-count/${name}`);
    const input = await edgefold.put("data/busy/in.txt", `${lines.join("\n")}\n`);
    let jobs = 0;
    for (const end = performance.now() + seconds * 1000; performance.now() < end || jobs === 0; jobs++) {
      const request = { inputPath: input, splitSize: 60_000, nReducers: 2 };
      const programs = { mapperName: "mapper.awk", reducerName: "reducer.awk" };
      const { id } = await edgefold.post({ ...request, ...programs });
      // Not `completed`, which tolerates failed requests.
      let job = await edgefold.job(id);
      for (; job.endTime === null; job = await edgefold.job(id)) await sleep(50);
      expect(job).toMatchObject({ status: "completed", error: null });
      const output = (await edgefold.outputsOf(job)).join("").trimEnd().split("\n");
      expect(output.sort()).toEqual(expected);
    }
    console.log(`${jobs} jobs in ${seconds} s on a busy machine`);
    // Neither workerd, the host nor the agent was restarted.
    expect(printed).not.toMatch(/crashed|has ended|reconnected/);
    const ended = Promise.race([edgefold.worker?.exited, edgefold.agent?.exited]).then(() => "ended");
    expect(await Promise.race([ended, Promise.resolve("running")])).toBe("running");
  } finally {
    await edgefold.stop();
  }
});
