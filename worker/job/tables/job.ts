import { z } from "zod";
import { JobRowSchema, type JobRow } from "../../../shared/engine/machine.ts";
import type { JobSpec } from "../spec.ts";

const ColumnsSchema = z.object({ row: z.string(), input_bytes: z.number() });
const Text = z.string();

/** What there is of a job once: tables `job` and `secret`. Its row is read once, and kept in memory from then on. */
export class JobTable {
  readonly #sql: SqlStorage;
  #spec: JobSpec | undefined;
  #row: JobRow | undefined;
  #inputBytes = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Reads everything again: a transaction was undone, or everything was deleted. */
  forget(): void {
    this.#spec = undefined;
    this.#row = undefined;
  }

  create(spec: JobSpec, row: JobRow): void {
    this.#sql.exec(
      "INSERT INTO job (id, spec, row, input_bytes) VALUES (1, ?, ?, 0)",
      JSON.stringify(spec),
      JSON.stringify(row),
    );
  }

  /** As it was stored: our own words, so not parsed again. Only a job that is resumed gets another one. */
  spec(): JobSpec {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was a JobSpec when it was stored
    this.#spec ??= JSON.parse(Text.parse(this.#sql.exec("SELECT spec FROM job").one()["spec"])) as JobSpec;
    return this.#spec;
  }

  setSpec(spec: JobSpec): void {
    this.#sql.exec("UPDATE job SET spec = ?", JSON.stringify(spec));
    this.#spec = spec;
  }

  row(): JobRow {
    if (this.#row === undefined) {
      const { row, input_bytes } = ColumnsSchema.parse(this.#sql.exec("SELECT row, input_bytes FROM job").one());
      this.#row = JobRowSchema.parse(JSON.parse(row));
      this.#inputBytes = input_bytes;
    }
    return this.#row;
  }

  save(row: JobRow): void {
    this.#sql.exec("UPDATE job SET row = ?", JSON.stringify(row));
    this.#row = row;
  }

  /** Of the whole input, as stored. */
  inputBytes(): number {
    this.row();
    return this.#inputBytes;
  }

  setInputBytes(bytes: number): void {
    this.#sql.exec("UPDATE job SET input_bytes = ?", bytes);
    this.#inputBytes = bytes;
  }

  /** The sealed credentials; undefined where there are none any more. */
  sealed(): string | undefined {
    const [row] = this.#sql.exec("SELECT sealed FROM secret").toArray();
    return row === undefined ? undefined : Text.parse(row["sealed"]);
  }

  /** In place of those that there were. */
  setSealed(sealed: string): void {
    this.eraseSealed();
    this.#sql.exec("INSERT INTO secret (sealed) VALUES (?)", sealed);
  }

  eraseSealed(): void {
    this.#sql.exec("DELETE FROM secret");
  }
}
