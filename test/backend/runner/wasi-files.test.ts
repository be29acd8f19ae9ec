import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workingDirectory } from "../../../backend/runner/working-directory.ts";
import { mapOnly, newContext, newFolder } from "./harness.ts";
import { command } from "./wasi-command.ts";

/** The files of a job, as WASI commands see them. */

/** A working directory as the runner makes it: files are hard links, archives are symbolic ones. */
const placed = () => {
  const contents = newFolder();
  const context = newContext({ archives: [join(contents, "unpacked")] });
  const home = workingDirectory(context);
  mkdirSync(home);
  writeFileSync(join(contents, "words"), "the\nand\n");
  linkSync(join(contents, "words"), join(home, "stop words ü.txt"));
  mkdirSync(join(contents, "unpacked/below"), { recursive: true });
  writeFileSync(join(contents, "unpacked/below/inner"), "in an archive\n");
  symlinkSync("below/inner", join(contents, "unpacked/link"));
  symlinkSync(join(contents, "unpacked"), join(home, "data.tgz"));
  return { context, home, contents };
};

/** Runs statements that can `open`, read `all` of what is open, and `say` a text. @returns what was said */
const run = async ({ context }: ReturnType<typeof placed>, body: string): Promise<string[]> => {
  const mapper = await command(`
    let opened: i32 = 0;
    const place = heap.alloc(4096);
    function pathOf(path: string): u32 {
      const bytes = String.UTF8.encode(path);
      memory.copy(place, changetype<usize>(bytes), bytes.byteLength);
      return bytes.byteLength;
    }
    function open(path: string, fd: i32 = 3, how: i32 = 0, rights: i64 = 2): i32 {
      const problem = path_open(fd, 1, place, pathOf(path), how, rights, 0, 0, buffer);
      opened = load<i32>(buffer);
      return problem;
    }
    function say(text: string): void { print(1, text + "\\n"); }
    function text(fd: i32): string {
      store<u32>(vector, <u32>buffer); store<u32>(vector, 1000, 4);
      const problem = fd_read(fd, vector, 1, vector + 8);
      return problem != 0 ? problem.toString() : String.UTF8.decodeUnsafe(buffer, load<u32>(vector, 8)).replaceAll("\\n", "|");
    }
    function all(path: string): string {
      const problem = open(path);
      return problem == 0 ? text(opened) : problem.toString();
    }
    function info(path: string, lookup: i32 = 1): string {
      const problem = path_filestat_get(3, lookup, place, pathOf(path), buffer);
      return problem != 0 ? problem.toString() : load<u8>(buffer, 16).toString() + "/" + load<u64>(buffer, 32).toString();
    }
    ${body}`);
  return (await mapOnly(mapper, "", context)).toString().split("\n").slice(0, -1);
};

test("a command finds a directory of the name /, and reads what is in it", async () => {
  const found = await run(
    placed(),
    `say(fd_prestat_get(3, buffer).toString() + " " + load<u64>(buffer).toString() + " " + fd_prestat_get(4, buffer).toString());
    say(fd_prestat_dir_name(3, buffer, 1).toString() + " " + String.UTF8.decodeUnsafe(buffer, 1));
    say(fd_fdstat_get(3, buffer).toString() + " " + load<u8>(buffer).toString());
    say(all("stop words ü.txt") + " " + text(opened));
    say(fd_fdstat_get(opened, buffer).toString() + " " + load<u8>(buffer).toString());
    say(fd_filestat_get(opened, buffer).toString() + " " + load<u8>(buffer, 16).toString() + " " + load<u64>(buffer, 32).toString());
    say(fd_seek(opened, -5, 2, buffer).toString() + " " + load<u64>(buffer).toString() + " " + text(opened));
    say(fd_seek(opened, 1, 0, buffer).toString() + fd_seek(opened, 1, 1, buffer).toString() + fd_tell(opened, buffer).toString());
    say(load<u64>(buffer).toString() + " " + fd_seek(opened, -9, 1, buffer).toString() + " " + fd_seek(opened, 0, 7, buffer).toString());
    store<u32>(vector, <u32>buffer); store<u32>(vector, 2, 4);
    say(fd_pread(opened, vector, 1, 4, vector + 8).toString() + " " + String.UTF8.decodeUnsafe(buffer, load<u32>(vector, 8)));
    say(fd_tell(opened, buffer).toString() + load<u64>(buffer).toString() + " " + fd_pread(opened, vector, 1, -1, buffer).toString());
    say(all("./data.tgz/below/../below/inner") + " " + all("data.tgz/link"));
    say(open("data.tgz").toString()); const archive = opened;
    say(open("below/inner", archive).toString() + " " + text(opened) + " " + open("../stop words ü.txt", archive).toString());
    say(info("stop words ü.txt") + " " + info("data.tgz", 0).slice(0, 1) + " " + info("data.tgz/link") + " " + info("data.tgz/link", 0).slice(0, 1));
    say(fd_close(archive).toString() + fd_close(archive).toString() + " " + text(archive) + " " + text(3));`,
  );
  expect(found).toEqual([
    "0 4294967296 8",
    "0 /",
    "0 3",
    "the|and| ",
    "0 4",
    "0 4 8",
    "0 3 |and|",
    "000",
    "2 28 28",
    "0 an",
    "02 28",
    "in an archive| in an archive|",
    "0",
    "0 in an archive| 76",
    "4/8 3 4/14 7",
    "08 8 31",
  ]);
});

test("a command lists a directory, in pieces", async () => {
  const found = await run(
    placed(),
    `function list(room: u32): void {
      let cookie: i64 = 0;
      for (let used: u32 = room; used == room;) {
        if (fd_readdir(opened, buffer, room, cookie, vector) != 0) unreachable();
        used = load<u32>(vector);
        for (let at: u32 = 0; at + 24 <= used;) {
          const length = load<u32>(buffer + at, 16);
          if (at + 24 + length > used) break;
          cookie = load<i64>(buffer + at);
          say(load<u8>(buffer + at, 20).toString() + " " + String.UTF8.decodeUnsafe(buffer + at + 24, length));
          at += 24 + length;
        }
      }
    }
    opened = 3; list(1000); list(44);
    open("data.tgz"); list(30);
    say(fd_readdir(opened, buffer, 100, 99, vector).toString() + " " + load<u32>(vector).toString());
    open("data.tgz/link"); say(fd_readdir(opened, buffer, 100, 0, vector).toString());`,
  );
  expect(found.slice(0, 2).toSorted()).toEqual(["3 data.tgz", "4 stop words ü.txt"]);
  expect(found.slice(2, 4)).toEqual(found.slice(0, 2));
  expect(found.slice(4).toSorted()).toEqual(["0 0", "3 below", "54", "7 link"]);
});

test("a command cannot change its files", async () => {
  const scene = placed();
  const found = await run(
    scene,
    `say(open("new", 3, 1).toString() + " " + open("stop words ü.txt", 3, 8).toString() + " " + open("stop words ü.txt", 3, 0, 66).toString());
    say(path_unlink_file(3, place, pathOf("stop words ü.txt")).toString());
    open("stop words ü.txt");
    store<u32>(vector, <u32>buffer); store<u32>(vector, 2, 4);
    say(fd_write(opened, vector, 1, vector + 8).toString());`,
  );
  expect(found).toEqual(["69 69 69", "69", "69"]);
  expect(readdirSync(scene.home)).toHaveLength(2);
});

test("a command reaches nothing outside of its files", async () => {
  const scene = placed();
  const { home, contents, context } = scene;
  const secret = join(newFolder(), "secret");
  writeFileSync(secret, "of the runner");
  // As no archive can have them, and a program of the job could add them while the command runs.
  symlinkSync(secret, join(contents, "unpacked/out"));
  mkdirSync(join(home, "made"));
  symlinkSync("/", join(home, "made/root"));
  symlinkSync("../..", join(home, "made/up"));
  symlinkSync("loop", join(home, "made/loop"));
  symlinkSync("/etc", join(home, "etc"));
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", join(home, "pipe")]);
  const paths = [
    ["..", 76],
    ["../..", 76],
    ["../../../../../../../../etc/passwd", 76],
    ["made/../../x", 76],
    ["/etc/passwd", 76],
    ["/proc/self/environ", 76],
    [secret, 76],
    [`${context.workDir}/home/stop words ü.txt`, 76],
    ["etc/passwd", 76],
    ["etc", 76],
    ["proc/self/environ", 44],
    ["data.tgz/out", 76],
    ["made/root/proc/self/environ", 76],
    ["made/root/etc/passwd", 76],
    ["made/up", 76],
    ["made/up/home/pipe", 2],
    ["made/loop", 32],
    ["pipe", 2],
    ["stop words ü.txt/x", 54],
    ["", 44],
    ["nul\\0byte", 28],
    ["x".repeat(5000), 37],
    ["x".repeat(300), 37],
  ] as const;
  const found = await run(
    scene,
    `${paths.map(([path]) => `say(open(${JSON.stringify(path).replaceAll("\\\\0", "\\0")}).toString() + " " + info("data.tgz/out"));`).join("\n")}
    say(info("..") + " " + info("..", 0) + " " + info("made/..", 0).slice(0, 1) + " " + info("made/root", 0).slice(0, 1) + " " + info("made/root"));
    say(path_readlink(3, place, pathOf("made/root"), buffer, 100, vector).toString());`,
  );
  expect(found.slice(0, -2)).toEqual(paths.map(([, problem]) => `${problem} 76`));
  expect(found.slice(-2)).toEqual(["76 76 3 7 76", "28"]);
});

test("a command that opens files without end gets an error, and all are closed with it", async () => {
  const scene = placed();
  const before = readdirSync("/proc/self/fd").length;
  const found = await run(
    scene,
    `let count = 0; let problem = 0;
    while (count < 1000 && (problem = open("stop words ü.txt")) == 0) count++;
    say(count.toString() + " " + problem.toString());
    fd_close(10); say(open("data.tgz").toString() + " " + opened.toString());`,
  );
  expect(found).toEqual(["63 33", "0 10"]);
  expect(readdirSync("/proc/self/fd")).toHaveLength(before);
});
