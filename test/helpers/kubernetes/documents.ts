import { loadYaml } from "@kubernetes/client-node";

/** An object as it is in a file or on the wire. */
export type KubernetesObject = {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
};

/**
 * The objects of a file's YAML documents, with every field that they have: the client's own reading drops those that it does
 * not know. It leaves alone what has no `apiVersion`, so each document is made the value of a field.
 */
export const documents = <T extends KubernetesObject>(text: string): T[] =>
  text
    .split(/^---$/m)
    .filter((document) => /^\w/m.test(document))
    .map((document) => loadYaml<{ document: T }>(`document:\n${document.replace(/^/gm, "  ")}`).document);
