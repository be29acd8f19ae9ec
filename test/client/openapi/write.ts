import { writeFile } from "node:fs/promises";
import { generateTypes, typesFile } from "./types.ts";

/** `npm run generate`: writes the types of the API that the SDK is made of. */
await writeFile(typesFile, await generateTypes());
