/** A guard of the job, and what its code is without it. The simulation must find that it is missing. */
export type Guard = {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly without: string;
};

export const guards: readonly Guard[] = [
  {
    name: "the fence",
    file: "shared/machine.ts",
    text: 'attempt.status === "live" && task.status === "in-progress";',
    without: "true;",
  },
];
