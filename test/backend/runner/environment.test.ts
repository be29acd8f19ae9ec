import { expect, test } from "vitest";
import type { Assignment } from "../../../shared/protocol/tasks.ts";
import { inheritedVariables, taskEnvironment } from "../../../backend/runner/environment.ts";
import { runnerJob } from "./runner-job.ts";

const job = runnerJob({ size: 0, hash: "" });
const range = (path: string) => ({ path, size: 9, etag: "", start: 3, end: 9 });
const map = (...paths: string[]): Assignment => ({
  kind: "map",
  taskId: "j-m-4",
  attempt: "j-m-4-1",
  index: 4,
  input: paths.map(range),
});

test("a map's variables have Hadoop's names, including the older ones", () => {
  const environment = taskEnvironment(job, map("http://store/in/a%20caf%C3%A9.txt"));
  const path = "http://store/in/a café.txt";
  const values: Record<string, string> = {
    EDGEFOLD_INPUT_PATH: path,
    mapreduce_map_input_file: path,
    map_input_file: path,
    map_input_start: "3",
    map_input_length: "6",
    mapreduce_job_id: "j",
    mapred_job_id: "j",
    mapred_tip_id: "j-m-4",
    mapreduce_task_attempt_id: "j-m-4-1",
    mapred_task_id: "j-m-4-1",
    mapred_task_partition: "4",
    mapreduce_task_ismap: "true",
    mapred_task_is_map: "true",
    mapred_reduce_tasks: "1",
    mapred_input_dir: "http://store/in",
    mapred_output_dir: expect.stringContaining("/j/"),
  };
  expect(environment).toMatchObject(values);
});

test("a reduce has no input variables, and neither has a map over several objects", () => {
  const reduce = taskEnvironment(job, { kind: "reduce", taskId: "j-r-0", attempt: "j-r-0-1", index: 0 });
  expect(reduce).toMatchObject({ mapred_task_is_map: "false", mapred_task_partition: "0" });
  for (const environment of [reduce, taskEnvironment(job, map("http://store/a", "http://store/b"))]) {
    expect(Object.keys(environment).filter((name) => /map_input|INPUT/.test(name))).toEqual([]);
  }
});

test.each([
  ["what is no UTF-8", "http://store/caf%E9"],
  ["a lone percent sign", "http://store/100%"],
  ["a NUL", "http://store/a%00b"],
])("%s stays encoded", (_, path) => {
  expect(taskEnvironment(job, map(path))).toMatchObject({ map_input_file: path });
});

test("programs inherit what an image sets, but none of the runner's own variables", () => {
  const image = { PATH: "/bin", JAVA_HOME: "/jdk", PYTHONPATH: "/lib", TZ: "Asia/Tokyo", LD_LIBRARY_PATH: "/opt" };
  const own = {
    WORKER_URL: "u",
    RUNNER_TOKEN_FILE: "t",
    JOB_ID: "j",
    PROCESS_LEDGER: "p",
    CREDENTIALS_DIR: "c",
    AWS_SECRET_ACCESS_KEY: "s",
    AWS_WEB_IDENTITY_TOKEN_FILE: "w",
    KUBERNETES_SERVICE_HOST: "h",
    NODE_OPTIONS: "o",
    EDGEFOLD_SECRET_API_KEY: "k",
    HTTPS_PROXY: "http://user:password@proxy",
    PWD: "/app",
  };
  expect(inheritedVariables({ ...image, ...own, EMPTY: undefined })).toEqual(image);
});
