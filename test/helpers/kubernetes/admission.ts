import { loadYaml, type V1Pod } from "@kubernetes/client-node";
import { restrictedViolations } from "./restricted.ts";
import type { Pod } from "./object-schemas.ts";
import { resources } from "./resources.ts";
import { forbidden } from "./status.ts";
import type { Store } from "./store.ts";

const hasEnded = ({ status: { phase } }: Pod): boolean => phase === "Succeeded" || phase === "Failed";

/** Refuses pods that are well formed but break a rule of their namespace. */
export class Admission {
  /** The maximum number of unfinished pods in a namespace. */
  maxPods: number | undefined;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws Refusal 403 if the pod is not allowed */
  check(pod: Pod): void {
    this.#checkAccount(pod);
    this.#checkSecurity(pod);
    this.#checkQuota(pod);
  }

  #checkAccount({ metadata: { name, namespace }, spec: { serviceAccountName = "" } }: Pod): void {
    if (this.#store.get("serviceaccounts", namespace, serviceAccountName) !== undefined) return;
    const missing = `serviceaccount "${serviceAccountName}" not found`;
    throw forbidden(
      resources.pods,
      name,
      `error looking up service account ${namespace}/${serviceAccountName}: ${missing}`,
    );
  }

  #checkSecurity(pod: Pod): void {
    const { name, namespace = "" } = pod.metadata;
    const level = this.#store.get("namespaces", undefined, namespace)?.metadata.labels ?? {};
    if (level["pod-security.kubernetes.io/enforce"] !== "restricted") return;
    const version = level["pod-security.kubernetes.io/enforce-version"] ?? "latest";
    const { spec } = loadYaml<V1Pod>(JSON.stringify(pod));
    const violations = spec === undefined ? [] : restrictedViolations(spec);
    if (violations.length === 0) return;
    throw forbidden(resources.pods, name, `violates PodSecurity "restricted:${version}": ${violations.join(", ")}`);
  }

  #checkQuota({ metadata: { name, namespace } }: Pod): void {
    const used = this.#store.list("pods", namespace).filter((pod) => !hasEnded(pod)).length;
    if (this.maxPods === undefined || used < this.maxPods) return;
    const numbers = `requested: pods=1, used: pods=${used}, limited: pods=${this.maxPods}`;
    throw forbidden(resources.pods, name, `exceeded quota: pods, ${numbers}`);
  }
}
