import { spawn } from "@lydell/node-pty";
import { fileURLToPath } from "node:url";
import { execFile } from "node:child_process";

/** The command `edgefold`, as users type it. */

const main = fileURLToPath(new URL("../../client/cli/edgefold.cjs", import.meta.url));

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

type RunOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
};

const environmentOf = ({ env = {} }: RunOptions): Record<string, string> => {
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    // The test runner's colour settings are not the user's.
    value === undefined || /^(FORCE_COLOR|NO_COLOR|CI|EDGEFOLD_.*|AWS_.*)$/.test(name) ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(inherited), ...env };
};

/** Runs the command with its outputs piped to another program. */
export const runCommand = async (args: readonly string[], options: RunOptions): Promise<Ended> =>
  await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: options.cwd, env: environmentOf(options), maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) =>
        resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, out, err }),
    );
    child.stdin?.end(options.input ?? "");
  });

export type OnTerminal = {
  /** Everything shown so far, including escape sequences. */
  readonly shown: () => string;
  readonly type: (text: string) => void;
  readonly exited: Promise<number>;
};

/** Runs the command on a terminal with 100 columns. */
export const startOnTerminal = (args: readonly string[], options: RunOptions): OnTerminal => {
  let shown = "";
  const env = { ...environmentOf(options), TERM: "xterm-256color" };
  const terminal = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env, cols: 100, rows: 40 });
  terminal.onData((text) => (shown += text));
  const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
  return { shown: () => shown, type: (text) => terminal.write(text), exited };
};

export const runOnTerminal = async (
  args: readonly string[],
  options: RunOptions,
): Promise<{ code: number; shown: string }> => {
  const { exited, shown } = startOnTerminal(args, options);
  return { code: await exited, shown: shown() };
};
