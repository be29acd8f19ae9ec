import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadYaml } from "@kubernetes/client-node";
import { z } from "zod";

const header = `# The agent and what it needs, in one file: kubectl apply --filename backend/deploy/edgefold.yaml
# Made of the files that kustomization.yaml names, by \`node backend/deploy/render.ts\`: change those.
`;

const KustomizationSchema = z.object({ resources: z.array(z.string()) });

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");

/** Returns the text of edgefold.yaml: the concatenated resources of the kustomization. */
export const renderManifest = (): string => {
  const { resources } = KustomizationSchema.parse(loadYaml(read("kustomization.yaml")));
  return [header, ...resources.map(read)].join("---\n");
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("edgefold.yaml", import.meta.url), renderManifest());
}
