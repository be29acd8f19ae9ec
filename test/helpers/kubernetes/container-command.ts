import { delimiter } from "node:path";
import { environmentOf, expanded } from "./container-environment.ts";
import type { Command } from "./container-process.ts";
import { onHost, type Mount } from "./mounts.ts";
import type { Container, Pod } from "./object-schemas.ts";
import type { Store } from "./store.ts";

/** What an image consists of on this machine. */
export type Image = {
  /** The directory that stands for the image's `/app`, where its containers start. */
  readonly root: string;
  /** Variables that its containers get in addition to their own. */
  readonly env?: Readonly<Record<string, string>>;
  /** The command for containers that set none. */
  readonly command?: readonly string[];
};

/** Where images keep their program. */
const appPath = "/app";

/** The variable that identifies a container's processes: the pod's name, as in real containers. */
const markerOf = ({ metadata }: Pod): string => `HOSTNAME=${metadata.name}`;

/** How to run a container on this machine. @throws SetupProblem if something that its environment refers to is missing */
export const commandOf = (
  store: Store,
  pod: Pod,
  container: Container,
  image: Image,
  volumes: readonly Mount[],
): Command => {
  const mounts = [...volumes, { path: appPath, host: image.root }];
  const own = environmentOf(store, pod, container);
  const argv = [...(container.command ?? image.command ?? []), ...(container.args ?? [])].map((text) =>
    onHost(expanded(text, own), mounts),
  );
  const env = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, onHost(value, mounts)]));
  return {
    argv: programFirst(argv),
    workingDir: onHost(container.workingDir ?? appPath, mounts),
    env: {
      PATH: process.env["PATH"] ?? ["/usr/bin", "/bin"].join(delimiter),
      ...image.env,
      ...env,
      HOSTNAME: pod.metadata.name,
    },
    marker: markerOf(pod),
  };
};

/** Uses the Node that runs this process instead of the image's. */
export const programFirst = ([program = "", ...args]: readonly string[]): string[] => [
  program === "node" ? process.execPath : program,
  ...args,
];
