import { z } from "zod";
import { toJsonObject } from "./json.ts";
import type { Registry } from "./registry.ts";
import { resources, type Resource } from "./resources.ts";

const DocumentSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
type Document = z.infer<typeof DocumentSchema>;

/** The kinds that can be among a cluster's first objects; other documents of an installation have no effect here. */
const created: readonly Resource[] = [
  resources.namespaces,
  resources.serviceaccounts,
  resources.configmaps,
  resources.secrets,
];

const namespace = (name: string): Document => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** Creates the initial objects: those of the documents, and the ones that every namespace has. */
export const createInitialObjects = (registry: Registry, documents: readonly unknown[]): void => {
  const all = [namespace("default"), ...documents.map((document) => DocumentSchema.parse(document))];
  for (const resource of created)
    for (const document of all) {
      if (document.kind !== resource.kind || document.apiVersion !== "v1") continue;
      const home = resource.isNamespaced ? (document.metadata.namespace ?? "default") : undefined;
      registry.create(resource.plural, home, toJsonObject(document));
      if (resource !== resources.namespaces) continue;
      const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
      registry.create("serviceaccounts", document.metadata.name, account);
    }
};
