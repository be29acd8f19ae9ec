import { outboxTable } from "../platform/outbox.ts";
import type { Schema } from "../platform/migrations.ts";

/** What a cluster's object stores. */
export const schema: Schema = {
  firstTable: "cluster",
  migrations: [
    // Release 0.1.0.
    (sql) => {
      sql.exec(`
        CREATE TABLE wanted_job (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT UNIQUE NOT NULL, wanted TEXT NOT NULL);
        CREATE TABLE removal (job TEXT PRIMARY KEY);
        CREATE TABLE cluster (id INTEGER PRIMARY KEY CHECK (id = 1), cluster_id TEXT, absent_since INTEGER);
        CREATE TABLE agent (id INTEGER PRIMARY KEY CHECK (id = 1), hello TEXT, contact INTEGER, problem TEXT);
      `);
      sql.exec("INSERT INTO cluster (id, absent_since) VALUES (1, ?)", Date.now());
      sql.exec("INSERT INTO agent (id) VALUES (1)");
    },
    // `absent_since` is null from here on while an agent is connected. Before, it was left as it was.
    `UPDATE cluster SET absent_since = NULL WHERE absent_since < (SELECT contact FROM agent);
     CREATE TABLE report (seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (job, key));
     ${outboxTable}`,
  ],
};
