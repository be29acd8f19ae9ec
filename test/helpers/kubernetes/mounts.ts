/** Where a container's path lies on this machine. */
export type Mount = { readonly path: string; readonly host: string };

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * Replaces a container's paths in a text by those of this machine: `/data/x`, but neither `/data2` nor `/var/data`. A path can
 * follow anything that is not part of a path, or the `//` of an address.
 */
export const onHost = (text: string, mounts: readonly Mount[]): string => {
  const longestFirst = mounts.toSorted((one, other) => other.path.length - one.path.length);
  if (longestFirst.length === 0) return text;
  const paths = longestFirst.map(({ path }) => escaped(path)).join("|");
  const pattern = new RegExp(`(?<![\\w.-])(?<!(?:^|[^/])/)(?:${paths})(?![\\w.-])`, "g");
  return text.replaceAll(pattern, (path) => mounts.find((mount) => mount.path === path)?.host ?? path);
};
