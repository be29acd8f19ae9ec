import { writeFile } from "node:fs/promises";
import { generateTypes, typesFile } from "./types.ts";

/** Part of `npm run generate`: writes the API types that the SDK is built on. */
await writeFile(typesFile, await generateTypes());
