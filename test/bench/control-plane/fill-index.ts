import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import type { Edgefold } from "../../helpers/edgefold.ts";
import { withRegistry } from "../../helpers/object-files.ts";

const RowSchema = z.object({ id: z.string(), created_at: z.int(), snapshot: z.string() });

/**
 * Adds entries to the list of jobs: copies of one that has ended, some seconds apart, in the past. None has an object. Creating
 * them through the API would take half an hour.
 * @param edgefold its Worker must not be running
 */
export const fillIndex = (edgefold: Edgefold, jobs: number): void => {
  withRegistry(edgefold, (database) => {
    const model = RowSchema.parse(
      database.prepare("SELECT id, created_at, snapshot FROM job WHERE ended = 1 LIMIT 1").get(),
    );
    const insert = database.prepare("INSERT INTO job (id, created_at, ended, snapshot) VALUES (?, ?, 1, ?)");
    database.exec("BEGIN");
    for (let n = 1; n <= jobs; n++) {
      const msecs = model.created_at - n * 5000;
      const id = uuidv7({ msecs });
      const snapshot = model.snapshot.replaceAll(model.id, id).replaceAll(String(model.created_at), String(msecs));
      insert.run(id, msecs, snapshot);
    }
    database.exec("COMMIT");
  });
};
