/**
 * The commands that build the image and, with the name that it has in a registry (`registry.example.com/edgefold`), push it
 * there. A name without a tag gets the release as its tag.
 *
 * @throws Error when the name cannot be one
 */
export const imageCommands = (tool: string, release: string, name: string | undefined): string[][] => {
  const local = `edgefold:${release}`;
  const options = ["--file", "backend/deploy/Dockerfile", "--build-arg", `VERSION=${release}`, "--tag", local];
  const build = [tool, "build", ...options, "."];
  if (name === undefined) return [build];
  if (!/^[a-z0-9][\w.:/-]*$/.test(name))
    throw new Error(`'${name}' is not the name of an image, with a tag or without`);
  const remote = hasTag(name) ? name : `${name}:${release}`;
  return [build, [tool, "tag", local, remote], [tool, "push", remote]];
};

/** A colon before the last slash is that of a port. */
const hasTag = (name: string): boolean => name.slice(name.lastIndexOf("/") + 1).includes(":");
