import { createHash } from "node:crypto";
import type { Edgefold } from "../../helpers/edgefold.ts";
import { artifactAndContent, contentsInR2, inFlight, uploadAtOnce } from "../../helpers/loads.ts";
import { until } from "../../helpers/until.ts";
import type { Figure } from "../figure.ts";

const uploads = 100;
/** The size of each, in bytes. */
const size = 100_000;

/** Concurrent uploads of one name: one of them wins, and nothing remains of the others. */
export const measureUploads = async (edgefold: Edgefold): Promise<Figure[]> => {
  const before = contentsInR2(edgefold).length;
  const contents = Array.from({ length: uploads }, (_, n) => `#!${n}\n`.padEnd(size, "."));
  const begin = performance.now();
  await uploadAtOnce(edgefold, "contended", contents);
  const seconds = (performance.now() - begin) / 1000;
  const [{ hash }, content] = await artifactAndContent(edgefold, "contended");
  if (hash !== createHash("sha256").update(content).digest("hex") || !contents.includes(content)) {
    throw new Error("the artifact is not what was uploaded");
  }
  await until("the end of replaced contents", () => (contentsInR2(edgefold).length === before + 1 ? true : undefined));
  return [{ what: `${uploads} uploads of one name, ${inFlight} under way`, value: seconds, unit: "s" }];
};
