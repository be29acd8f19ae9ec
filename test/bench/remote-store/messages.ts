import { z } from "zod";

/** What a store tells the bench when it listens. */
export const ListeningSchema = z.object({ port: z.number() });

/** What a bench tells its store: to report the requests since the last report, or to remove all objects that were written. */
export const CommandSchema = z.enum(["report", "clear"]);
export type Command = z.infer<typeof CommandSchema>;

/** The answer to `report`: numbers of requests by operation. */
export const RequestsSchema = z.record(z.string(), z.number());
export type Requests = z.infer<typeof RequestsSchema>;
