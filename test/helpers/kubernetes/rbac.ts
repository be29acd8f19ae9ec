import { z } from "zod";

/** What a request accesses, in terms of permissions. */
export type Access = {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** Empty for cluster-scoped resources, and for all namespaces. */
  readonly namespace: string;
  /** Empty if the request names no object. */
  readonly name: string;
};

const strings = z.array(z.string()).default([]);
const RuleSchema = z.object({ apiGroups: strings, resources: strings, verbs: strings, resourceNames: strings });
type Rule = z.infer<typeof RuleSchema>;

const MetadataSchema = z.object({ name: z.string(), namespace: z.string().default("") });
const RoleSchema = z.object({
  kind: z.enum(["Role", "ClusterRole"]),
  metadata: MetadataSchema,
  rules: z.array(RuleSchema).default([]),
});
const BindingSchema = z.object({
  kind: z.enum(["RoleBinding", "ClusterRoleBinding"]),
  metadata: MetadataSchema,
  roleRef: z.object({ kind: z.enum(["Role", "ClusterRole"]), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().default("") })).default([]),
});

const covers = (list: readonly string[], value: string): boolean => list.includes("*") || list.includes(value);

const allows = ({ apiGroups, resources, verbs, resourceNames }: Rule, access: Access): boolean => {
  const resource = access.subresource === "" ? access.resource : `${access.resource}/${access.subresource}`;
  const anyOfSubresource = access.subresource !== "" && resources.includes(`*/${access.subresource}`);
  return (
    covers(verbs, access.verb) &&
    covers(apiGroups, access.group) &&
    (covers(resources, resource) || anyOfSubresource) &&
    (resourceNames.length === 0 || resourceNames.includes(access.name))
  );
};

/** The user name of a service account. */
export const accountUser = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;

/** The permissions granted by the Roles and bindings in some documents. */
export class Permissions {
  readonly #roles: z.infer<typeof RoleSchema>[] = [];
  readonly #bindings: z.infer<typeof BindingSchema>[] = [];

  constructor(documents: readonly unknown[]) {
    for (const document of documents) {
      const { kind } = z.looseObject({ kind: z.string() }).parse(document);
      if (kind === "Role" || kind === "ClusterRole") this.#roles.push(RoleSchema.parse(document));
      else if (kind.endsWith("RoleBinding")) this.#bindings.push(BindingSchema.parse(document));
    }
  }

  allows(user: string, access: Access): boolean {
    return this.#bindings.some(({ kind, metadata: { namespace }, roleRef, subjects }) => {
      const applies = kind === "ClusterRoleBinding" || namespace === access.namespace;
      if (!applies || !subjects.some((subject) => accountUser(subject.namespace, subject.name) === user)) return false;
      return this.#roles.some(
        (role) =>
          role.kind === roleRef.kind &&
          role.metadata.name === roleRef.name &&
          (role.kind === "ClusterRole" || role.metadata.namespace === namespace) &&
          role.rules.some((rule) => allows(rule, access)),
      );
    });
  }
}
