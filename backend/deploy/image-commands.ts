/**
 * Returns the commands that build the image and, given its name in a registry (`registry.example.com/edgefold`), push it there.
 * If the name has no tag, the release becomes its tag.
 *
 * @throws Error if the name is not a valid image name
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

/** Whether an image name has a tag. A colon before the last slash belongs to a port. */
const hasTag = (name: string): boolean => name.slice(name.lastIndexOf("/") + 1).includes(":");
