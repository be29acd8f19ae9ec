// Run by `npm ci`: gives `wrangler dev` its variables, which Git ignores, where there are none yet.
const { constants, copyFileSync } = require("node:fs");
const { join } = require("node:path");
const root = join(__dirname, "../..");
try {
  copyFileSync(join(root, ".dev.vars.example"), join(root, ".dev.vars"), constants.COPYFILE_EXCL);
} catch (error) {
  if (error.code !== "EEXIST") throw error;
}
