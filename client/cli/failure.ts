/** What a command ends with. They are documented for scripts, so none changes its meaning. */
export const exitCodes = {
  ok: 0,
  /** The job has failed, or something went wrong that has no code of its own. */
  failed: 1,
  /** An option, an argument, or a field of a request is wrong. */
  usage: 2,
  /** The job was stopped. */
  stopped: 3,
  /** No server answers. */
  unreachable: 4,
  /** The token is missing, wrong, or not allowed to do this. */
  refused: 5,
  /** There is no such job, task, artifact or object. */
  unknown: 6,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Why a command has failed, in words for its user. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exitCode: ExitCode;
  /** What to do about it: a line each. */
  readonly cures: readonly string[];

  constructor(message: string, exitCode: ExitCode, cures: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.cures = cures;
  }
}
