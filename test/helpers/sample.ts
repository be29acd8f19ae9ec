import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The response to a `curl` command. */
export type Answer = { readonly status: number; readonly type: string; readonly text: string; readonly body: unknown };

/** Whether the program is installed. */
export const isInstalled = async (program: string): Promise<boolean> =>
  run(program, ["--version"]).then(
    () => true,
    () => false,
  );

/** Runs a `curl` command as written, in a shell. */
export const sample = async (command: string): Promise<Answer> => {
  const asked = `${command} --silent --show-error --write-out '\\n%{http_code} %{content_type}'`;
  const { stdout } = await run("sh", ["-c", asked], { maxBuffer: 16 * 1024 * 1024 });
  const end = stdout.lastIndexOf("\n");
  const [status = "", ...type] = stdout.slice(end + 1).split(" ");
  const text = stdout.slice(0, end);
  const isJson = /json/.test(type.join(" "));
  return { status: Number(status), type: type.join(" "), text, body: isJson ? JSON.parse(text) : undefined };
};
