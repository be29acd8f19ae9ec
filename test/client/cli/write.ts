import { writeFileSync } from "node:fs";
import { writeReference } from "./reference.ts";

/** Part of `npm run generate`: writes the reference of the command. */
writeFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), writeReference());
