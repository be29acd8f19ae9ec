import type { Guard } from "./guards.ts";

/** Page sizes that no simulated job would fill, and smaller ones that they do. */
export const sizes: readonly Pick<Guard, "file" | "text" | "without">[] = [
  {
    file: "worker/job/creation.ts",
    text: "const page = { maps: 5_000, ranges: 100_000 };",
    without: "const page = { maps: 2, ranges: 100_000 };",
  },
  {
    file: "worker/job/runners/segments.ts",
    text: "const segmentsPage = 4096;",
    without: "const segmentsPage = 2;",
  },
  { file: "worker/job/runners/uploads.ts", text: "const uploadsPage = 500;", without: "const uploadsPage = 3;" },
  { file: "worker/cluster/reports.ts", text: "const pageSize = 100;", without: "const pageSize = 2;" },
  {
    file: "worker/cluster/link.ts",
    text: "const welcomeLength = 256 * 1024;",
    without: "const welcomeLength = 500;",
  },
  { file: "worker/registry/retention.ts", text: "const batch = 50;", without: "const batch = 2;" },
  { file: "worker/registry/reservations.ts", text: "const batch = 50;", without: "const batch = 2;" },
];
