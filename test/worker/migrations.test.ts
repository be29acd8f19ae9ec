import { env, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { hasTable, migrate, type Schema } from "../../worker/platform/migrations.ts";

const first = "CREATE TABLE thing (id TEXT PRIMARY KEY)";
const second = "ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'";
const third = (sql: SqlStorage): void => void sql.exec("UPDATE thing SET colour = 'blue' WHERE id = 'sky'");
const schemaOf = (...migrations: Schema["migrations"]): Schema => ({ migrations, firstTable: "thing" });

/** Runs a test on the storage of an empty object. */
const onEmptyStorage = async (run: (storage: DurableObjectStorage) => void): Promise<void> =>
  await runInDurableObject(env.JOBS.getByName(crypto.randomUUID()), (_, { storage }) => run(storage));

const versions = (sql: SqlStorage) => sql.exec("SELECT version FROM schema_version").toArray();

describe("migrations", () => {
  it("create a new schema once", async () => {
    await onEmptyStorage((storage) => {
      expect(hasTable(storage.sql, "thing")).toBe(false);
      migrate(storage, schemaOf(first, second, third));
      storage.sql.exec("INSERT INTO thing (id) VALUES ('sky')");
      migrate(storage, schemaOf(first, second, third));
      expect(storage.sql.exec("SELECT * FROM thing").toArray()).toEqual([{ id: "sky", colour: "grey" }]);
      expect(versions(storage.sql)).toEqual([{ version: 3 }]);
    });
  });

  it("upgrade the tables of release 0.1.0, which have no version, and of any later schema", async () => {
    await onEmptyStorage((storage) => {
      storage.sql.exec(first);
      storage.sql.exec("INSERT INTO thing (id) VALUES ('sky')");
      for (const steps of [[first], [first, second], [first, second, third]]) migrate(storage, schemaOf(...steps));
      expect(storage.sql.exec("SELECT * FROM thing").toArray()).toEqual([{ id: "sky", colour: "blue" }]);
    });
  });

  it("are atomic", async () => {
    await onEmptyStorage((storage) => {
      migrate(storage, schemaOf(first));
      expect(() => migrate(storage, schemaOf(first, second, "UPDATE missing SET x = 1"))).toThrow(/no such table/);
      expect(versions(storage.sql)).toEqual([{ version: 1 }]);
      migrate(storage, schemaOf(first, second));
    });
  });

  it("leave the tables of a newer release alone", async () => {
    await onEmptyStorage((storage) => {
      migrate(storage, schemaOf(first, second));
      expect(() => migrate(storage, schemaOf(first))).toThrow("these tables have schema 2, and this release knows 1");
      expect(versions(storage.sql)).toEqual([{ version: 2 }]);
    });
  });
});
