import packageJson from "../package.json" with { type: "json" };

/** The version of this software. Those of neighbouring releases work together, see protocol/versions.ts. */
export const release: string = packageJson.version;
