/** An archive cannot be unpacked, by what it holds: another attempt is bound to fail in the same way. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";

  /** @param problem the rest of a sentence that begins with the archive's name */
  constructor(archive: string, problem: string, options: ErrorOptions = {}) {
    super(`the archive ${archive} ${problem}`.toWellFormed(), options);
  }
}
