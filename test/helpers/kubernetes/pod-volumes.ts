import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fieldOf, resourceOf } from "./field-references.ts";
import type { Mount } from "./mounts.ts";
import type { Container, Pod, Projection, Volume } from "./object-schemas.ts";
import { SetupProblem } from "./setup-problem.ts";
import type { Store } from "./store.ts";

/** Folders this close to the root (`/var/run` has 3 parts) also hold things other than mounts. */
const mostlyOthers = 3;

type Content = Readonly<Record<string, Buffer>>;
type Keyed = {
  readonly items?: readonly { readonly key: string; readonly path: string }[] | undefined;
  readonly optional?: boolean | undefined;
};

/** Returns the token that a pod gets for its service account. */
export type TokenOf = (namespace: string, account: string) => string;

const fromBase64 = (data: Readonly<Record<string, string>> | undefined): Content =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64")]));
const fromText = (data: Readonly<Record<string, string>> | undefined): Content =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text)]));

/** The volumes of a pod, as directories on this machine. */
export class PodVolumes {
  readonly #store: Store;
  readonly #tokenOf: TokenOf;
  readonly #pod: Pod;
  readonly #directory: string;

  constructor(store: Store, tokenOf: TokenOf, pod: Pod, directory: string) {
    this.#store = store;
    this.#tokenOf = tokenOf;
    this.#pod = pod;
    this.#directory = directory;
  }

  /** Creates the volumes that a container mounts. @throws SetupProblem if something that they refer to is missing */
  async mount(container: Container): Promise<Mount[]> {
    const mounts: Mount[] = [];
    for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
      const volume = this.#pod.spec.volumes?.find((one) => one.name === name);
      if (volume === undefined) continue;
      const directory = join(this.#directory, "volumes", name);
      const files = this.#filesOf(volume, container);
      await mkdir(directory, { recursive: true });
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(directory, path)), { recursive: true });
        await writeFile(join(directory, path), content);
      }
      const host = subPath === undefined ? directory : join(directory, subPath);
      mounts.push({ path: mountPath, host }, ...(await this.#above(mountPath, host)));
    }
    return mounts;
  }

  /** A folder that stands for the parent of a mount, which several mounts can share, so that paths to the parent work too. */
  async #above(mountPath: string, host: string): Promise<Mount[]> {
    const path = dirname(mountPath);
    if (path.split("/").length <= mostlyOthers) return [];
    const above = join(this.#directory, "above", path);
    await mkdir(above, { recursive: true });
    const link = join(above, basename(mountPath));
    // It exists if an earlier attempt found something else missing.
    await rm(link, { force: true });
    await symlink(host, link);
    return [{ path, host: above }];
  }

  #filesOf(volume: Volume, container: Container): Content {
    const { emptyDir, secret, configMap, downwardAPI, projected } = volume;
    if (emptyDir !== undefined) return {};
    try {
      if (secret !== undefined) return this.#project({ secret: { ...secret, name: secret.secretName } }, container);
      if (projected === undefined) return this.#project({ configMap, downwardAPI }, container);
      return Object.assign({}, ...projected.sources.map((source) => this.#project(source, container)));
    } catch (error) {
      if (!(error instanceof SetupProblem)) throw error;
      throw new SetupProblem("FailedMount", `MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  }

  #project({ secret, configMap, downwardAPI, serviceAccountToken }: Projection, container: Container): Content {
    const { namespace = "" } = this.#pod.metadata;
    if (secret !== undefined) {
      const found = this.#store.get("secrets", namespace, secret.name);
      return selected("secret", secret.name, found === undefined ? undefined : fromBase64(found.data), secret);
    }
    if (configMap !== undefined) {
      const found = this.#store.get("configmaps", namespace, configMap.name);
      const content = found === undefined ? undefined : { ...fromText(found.data), ...fromBase64(found.binaryData) };
      return selected("configmap", configMap.name, content, configMap);
    }
    if (serviceAccountToken !== undefined) {
      const token = this.#tokenOf(namespace, this.#pod.spec.serviceAccountName ?? "default");
      return { [serviceAccountToken.path]: Buffer.from(token) };
    }
    const entries = (downwardAPI?.items ?? []).map(({ path, fieldRef, resourceFieldRef }) => {
      if (fieldRef !== undefined) return [path, Buffer.from(fieldOf(this.#pod, fieldRef.fieldPath))];
      return [path, Buffer.from(resourceFieldRef === undefined ? "" : resourceOf(container, resourceFieldRef))];
    });
    return Object.fromEntries(entries);
  }
}

const selected = (kind: string, name: string, content: Content | undefined, { items, optional }: Keyed): Content => {
  if (content === undefined) {
    if (optional === true) return {};
    throw new SetupProblem("FailedMount", `${kind} "${name}" not found`);
  }
  if (items === undefined) return content;
  const entries = items.flatMap(({ key, path }) => {
    const value = content[key];
    if (value !== undefined) return [[path, value]];
    if (optional === true) return [];
    throw new SetupProblem("FailedMount", `references non-existent ${kind} key: ${key}`);
  });
  return Object.fromEntries(entries);
};
