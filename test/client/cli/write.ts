import { writeFileSync } from "node:fs";
import { writeReference } from "./reference.ts";

/** Part of `npm run generate`: writes the command reference. */
writeFileSync(new URL("../../../docs/reference/cli.md", import.meta.url), writeReference());
