import type { TaskKind } from "../../shared/status.ts";

/** Where a simulated job keeps its results, under the store's address. */
export type Folders = { readonly output: string; readonly shuffle: string };

export const addressOf = (path: string): string => `http://store/${path}`;

export const foldersOf = (jobId: string): Folders => ({
  output: addressOf(`out/${jobId}/`),
  shuffle: addressOf(`.edgefold/${jobId}/`),
});

/** Whether tasks of the kind run the user's programs. */
export const attemptsMap = (kind: TaskKind): kind is "map" | "reduce" => kind === "map" || kind === "reduce";
