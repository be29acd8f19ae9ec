import type { ArtifactProgram } from "../../../backend/runner/programs/program.ts";
import { compileScript } from "../../helpers/assemblyscript.ts";
import { newProgram } from "./harness.ts";

/** Declares functions of WASI. Those that a program does not call are not imported. */
export const wasiDeclarations = Object.entries({
  fd_read: "fd: i32, vectors: usize, count: i32, size: usize",
  fd_write: "fd: i32, vectors: usize, count: i32, size: usize",
  args_sizes_get: "count: usize, size: usize",
  args_get: "addresses: usize, address: usize",
  environ_sizes_get: "count: usize, size: usize",
  environ_get: "addresses: usize, address: usize",
  random_get: "address: usize, length: usize",
  path_open:
    "fd: i32, lookup: i32, path: usize, length: usize, how: i32, rights: i64, inheriting: i64, flags: i32, opened: usize",
  path_filestat_get: "fd: i32, lookup: i32, path: usize, length: usize, address: usize",
  path_readlink: "fd: i32, path: usize, length: usize, address: usize, room: usize, size: usize",
  path_unlink_file: "fd: i32, path: usize, length: usize",
  fd_prestat_get: "fd: i32, address: usize",
  fd_prestat_dir_name: "fd: i32, address: usize, length: usize",
  fd_fdstat_get: "fd: i32, address: usize",
  fd_filestat_get: "fd: i32, address: usize",
  fd_pread: "fd: i32, vectors: usize, count: i32, offset: i64, size: usize",
  fd_seek: "fd: i32, offset: i64, whence: i32, position: usize",
  fd_tell: "fd: i32, position: usize",
  fd_readdir: "fd: i32, address: usize, room: usize, cookie: i64, size: usize",
  fd_close: "fd: i32",
  sock_accept: "a: i32, b: i32, c: usize",
  clock_time_get: "id: i32, precision: i64, address: usize",
  poll_oneoff: "a: usize, b: usize, count: i32, size: usize",
  proc_exit: "code: i32",
})
  .map(([name, parameters]) => {
    const result = name === "proc_exit" ? "void" : "i32";
    return `// @ts-ignore\n@external("wasi_snapshot_preview1", "${name}") declare function ${name}(${parameters}): ${result};\n`;
  })
  .join("");

/**
 * Compiles a WASI command in AssemblyScript.
 * @param body statements, which have functions of WASI, a `vector`, a `buffer` of 64 KiB, and `read`, `write`, `print` and `cat`
 */
export const command = async (body: string): Promise<ArtifactProgram> => {
  const source = `${wasiDeclarations}
    const vector = heap.alloc(16);
    const buffer = heap.alloc(65536);
    function read(): u32 {
      store<u32>(vector, <u32>buffer); store<u32>(vector, 65536, 4);
      if (fd_read(0, vector, 1, vector + 8) != 0) unreachable();
      return load<u32>(vector, 8);
    }
    function write(fd: i32, address: usize, length: u32): void {
      for (let done: u32 = 0; done < length; done += load<u32>(vector, 8)) {
        store<u32>(vector, <u32>address + done); store<u32>(vector, length - done, 4);
        if (fd_write(fd, vector, 1, vector + 8) != 0) unreachable();
      }
    }
    function print(fd: i32, text: string): void {
      const bytes = String.UTF8.encode(text);
      write(fd, changetype<usize>(bytes), bytes.byteLength);
    }
    function cat(): void { for (let length = read(); length > 0; length = read()) write(1, buffer, length); }
    ${body}`;
  const options = ["--exportStart", "_start", "--use", "abort="];
  return newProgram("mapper", "command", await compileScript(source, options));
};
