import type { TaskKind } from "../../shared/status.ts";

/** Where the simulated job keeps what it makes, under the store's address. */
export const outputFolder = "out/J/";
export const shuffleFolder = ".edgefold/J/";

export const addressOf = (path: string): string => `http://store/${path}`;

/** Whether tasks of the kind are the user's. */
export const attemptsMap = (kind: TaskKind): kind is "map" | "reduce" => kind === "map" || kind === "reduce";
