import { delimiter } from "node:path";
import { environmentOf, expanded } from "./container-environment.ts";
import type { Command } from "./container-process.ts";
import { onHost, type Mount } from "./mounts.ts";
import type { Container, Pod } from "./object-schemas.ts";
import type { Store } from "./store.ts";

/** What an image is on this machine. */
export type Image = {
  /** The directory that is the image's `/app`, in which its containers start. */
  readonly root: string;
  /** What containers of it find in their environment besides their own. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it runs where a container does not say anything else. */
  readonly command?: readonly string[];
};

/** Where images have their program. */
const appPath = "/app";

/** The variable by which a container's processes are recognized: the pod's name, which real ones have there, too. */
const markerOf = ({ metadata }: Pod): string => `HOSTNAME=${metadata.name}`;

/** How to run a container here. @throws SetupProblem where something that its environment is made of is missing */
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

/** With the Node that runs this in place of the image's. */
export const programFirst = ([program = "", ...args]: readonly string[]): string[] => [
  program === "node" ? process.execPath : program,
  ...args,
];
