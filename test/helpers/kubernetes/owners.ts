import type { KubeObject, Owner } from "./object-schemas.ts";

/** The owner that controls the object. */
export const controllerOf = ({ metadata }: KubeObject): Owner | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller === true);

/** Whether the object has the owner. */
export const isOwnedBy = ({ metadata }: KubeObject, owner: KubeObject): boolean =>
  (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
