/** One step from a schema to the next: SQL, or code where SQL is not enough. A step that was released never changes. */
export type Migration = string | ((sql: SqlStorage) => void);

/** What an object stores, and how its tables came to be what they are. */
export type Schema = {
  /** Numbered by their place, from 1. The list only grows. */
  readonly migrations: readonly Migration[];
  /** A table of the first step. Release 0.1.0 noted no version, so its databases are known by this table. */
  readonly firstTable: string;
};

/**
 * Brings an object's tables to the newest schema, from nothing or from that of any earlier release, in one transaction.
 * @throws Error where a newer release has written them: its data is left alone
 */
export const migrate = (storage: DurableObjectStorage, { migrations, firstTable }: Schema): void => {
  const { sql } = storage;
  storage.transactionSync(() => {
    const version = versionOf(sql, firstTable);
    if (version > migrations.length) {
      throw new Error(`these tables have schema ${version}, and this release knows ${migrations.length} only`);
    }
    if (version === migrations.length) return;
    for (const step of migrations.slice(version)) {
      if (typeof step === "string") sql.exec(step);
      else step(sql);
    }
    sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    sql.exec("DELETE FROM schema_version");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", migrations.length);
  });
};

/** Whether there is a table of that name. Creates nothing. */
export const hasTable = (sql: SqlStorage, name: string): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).toArray().length > 0;

const versionOf = (sql: SqlStorage, firstTable: string): number => {
  if (hasTable(sql, "schema_version")) return Number(sql.exec("SELECT version FROM schema_version").one()["version"]);
  return hasTable(sql, firstTable) ? 1 : 0;
};
