// Preloaded by the npm scripts. Replaces the long error output of an older Node by one line. On Linux, the project installs
// Node 24. Elsewhere, the installed Node is used, which runs TypeScript directly from version 22.18 on.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`Edgefold needs Node 22.18 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
