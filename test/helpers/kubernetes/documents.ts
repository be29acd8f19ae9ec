import { loadYaml } from "@kubernetes/client-node";

/** An object as found in a file or on the wire. */
export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
};

/**
 * The objects of a file's YAML documents, with all their fields: the client's own parser drops unknown fields. It leaves
 * anything without `apiVersion` unchanged, so each document is wrapped in a field.
 */
export const documents = <T extends KubernetesObject>(text: string): T[] =>
  text
    .split(/^---$/m)
    .filter((document) => /^\w/m.test(document))
    .map((document) => loadYaml<{ document: T }>(`document:\n${document.replace(/^/gm, "  ")}`).document);
