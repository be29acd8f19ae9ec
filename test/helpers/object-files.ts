import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Edgefold } from "./edgefold.ts";

/** The databases of all objects of a class, which the local host stores as files. */
const filesOf = ({ stateDir }: Edgefold, className: string): string[] => {
  const folder = join(stateDir, "v3/do", `edgefold-dev-${className}`);
  return readdirSync(folder).flatMap((name) => (/^[0-9a-f]{64}\.sqlite$/.test(name) ? [join(folder, name)] : []));
};

const withDatabase = <T>(file: string, use: (database: DatabaseSync) => T): T => {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
};

/** Works on the Registry's database. @param edgefold its Worker must not be running */
export const withRegistry = <T>(edgefold: Edgefold, use: (database: DatabaseSync) => T): T => {
  const [file, ...others] = filesOf(edgefold, "Registry");
  if (file === undefined || others.length > 0) throw new Error("there is not one Registry");
  return withDatabase(file, use);
};

/** The number of JobObjects with stored data. @param edgefold its Worker must not be running */
export const storedJobObjects = (edgefold: Edgefold): number =>
  filesOf(edgefold, "JobObject").filter((file) =>
    withDatabase(file, (database) =>
      database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").get(),
    ),
  ).length;
