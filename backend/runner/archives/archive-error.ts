/** An archive cannot be unpacked because of its content. Every attempt fails in the same way. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";

  /** @param problem the rest of a sentence that starts with the archive's name */
  constructor(archive: string, problem: string, options: ErrorOptions = {}) {
    super(`the archive ${archive} ${problem}`.toWellFormed(), options);
  }
}
