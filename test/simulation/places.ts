import type { TaskKind } from "../../shared/status.ts";

/** Where a simulated job keeps what it makes, under the store's address. */
export type Folders = { readonly output: string; readonly shuffle: string };

export const addressOf = (path: string): string => `http://store/${path}`;

export const foldersOf = (jobId: string): Folders => ({
  output: addressOf(`out/${jobId}/`),
  shuffle: addressOf(`.edgefold/${jobId}/`),
});

/** Whether tasks of the kind are the user's. */
export const attemptsMap = (kind: TaskKind): kind is "map" | "reduce" => kind === "map" || kind === "reduce";
