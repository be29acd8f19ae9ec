import { afterEach, describe, expect, test } from "vitest";
import type { Assignment, Result } from "../../shared/protocol/tasks.ts";
import { claimed, complete, JobFixture, taskOf, type Runner } from "./job-fixture.ts";
import { hangUp } from "./peer.ts";

afterEach(hangUp);

const partitions = 64;

/** Partition r of map m has 10 * r + m bytes. */
const lengthsOf = (map: number, of = partitions): number[] => Array.from({ length: of }, (_, r) => 10 * r + map);

const mapResult = (map: number, of?: number): Result => ({
  kind: "map",
  shuffle: { path: `http://store/shuffle/${map}`, lengths: lengthsOf(map, of), largestBlock: 1000 },
});

const bytesOf = (map: number, from: number, to: number): number =>
  lengthsOf(map)
    .slice(from, to)
    .reduce((sum, length) => sum + length, 0);

/** A job of two maps that are done. @returns the reduce that the runner is given first */
const mapped = async (runner: Runner, job: JobFixture, of?: number): Promise<Assignment> => {
  const first = await job.planned(runner);
  const second = taskOf(await complete(runner, first, mapResult(0, of)));
  return taskOf(await complete(runner, second, mapResult(1, of)));
};

const placeOf = (task: Assignment) => ({ index: task.index, ahead: task.kind === "reduce" ? task.ahead : undefined });

const placeOfMap = (task: Assignment) =>
  task.kind === "map" ? [task.index, task.next?.map(({ path }) => path)] : task.kind;

/** A map whose runner is told the input of the one behind. */
const followed = (map: number) => [map, [`http://store/input/${map + 1}`]];

describe("neighbouring partitions", () => {
  test("go to one runner, while others begin elsewhere", async () => {
    const job = await JobFixture.create({ nReducers: partitions });
    const [a, b, c] = [await job.runner("a"), await job.runner("b"), await job.runner("c")];
    let ofA = await mapped(a, job);
    let ofB = await claimed(b);
    const ofC = await claimed(c);
    expect([ofA, ofB, ofC].map(placeOf)).toEqual([
      { index: 0, ahead: 15 },
      { index: 16, ahead: 15 },
      { index: 32, ahead: 15 },
    ]);
    for (let next = 1; next < 16; next++) {
      ofA = taskOf(await complete(a, ofA));
      ofB = taskOf(await complete(b, ofB));
      expect([ofA, ofB].map(placeOf)).toEqual([
        { index: next, ahead: 15 - next },
        { index: 16 + next, ahead: 15 - next },
      ]);
    }
    // The last block goes to whoever is first; then all help with what is left, and leave the first half to whoever is at it.
    expect(placeOf(taskOf(await complete(b, ofB)))).toEqual({ index: 48, ahead: 15 });
    expect(placeOf(taskOf(await complete(a, ofA)))).toEqual({ index: 40, ahead: 7 });
  });

  test("of maps go to one runner, which is told what it reads next", async () => {
    const job = await JobFixture.create();
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    const ofA = await job.planned(
      a,
      Array.from({ length: 8 }, () => 100),
    );
    const ofB = await claimed(b);
    expect([ofA, ofB].map(placeOfMap)).toEqual([followed(0), followed(4)]);
    let ofBoth = [ofA, ofB] as const;
    for (const map of [1, 2]) {
      ofBoth = [taskOf(await complete(a, ofBoth[0])), taskOf(await complete(b, ofBoth[1]))];
      expect(ofBoth.map(placeOfMap)).toEqual([followed(map), followed(4 + map)]);
    }
    ofBoth = [taskOf(await complete(a, ofBoth[0])), taskOf(await complete(b, ofBoth[1]))];
    expect(ofBoth.map(placeOfMap)).toEqual([
      [3, undefined],
      [7, undefined],
    ]);
  });

  test("are not promised where there are as many runners as partitions", async () => {
    const job = await JobFixture.create({ nReducers: 3 });
    const [a, b] = [await job.runner("a"), await job.runner("b")];
    expect(placeOf(await mapped(a, job, 3))).toEqual({ index: 0, ahead: 0 });
    expect(placeOf(await claimed(b))).toEqual({ index: 1, ahead: 0 });
  });

  test("have their bytes told, as far as their offsets lie together", async () => {
    const job = await JobFixture.create({ nReducers: partitions });
    const runner = await job.runner("a");
    const { attempt } = await mapped(runner, job);
    const told = async (ahead?: number) => {
      const answer = await runner.request({ kind: "segments", attempt, from: 0, ahead });
      return answer.kind === "segments" ? answer.segments.map((segment) => [segment.map, segment.ahead]) : answer;
    };
    // The first partition of the first map is empty.
    expect(await told()).toEqual([[1, undefined]]);
    expect(await told(0)).toEqual([[1, undefined]]);
    expect(await told(3)).toEqual([[1, bytesOf(1, 1, 4)]]);
    expect(await told(50)).toEqual([[1, bytesOf(1, 1, 32)]]);
  });
});
