// Preloaded by the npm scripts: says in one line what an older Node would say in a screenful. Node 24 comes with the project on
// Linux; elsewhere the installed one serves, from 22.18 on, which runs TypeScript as it is.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`Edgefold needs Node 22.18 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
