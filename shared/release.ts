import packageJson from "../package.json" with { type: "json" };

/** The version of this software. Workers and agents of different ones work together as long as they speak one protocol. */
export const release: string = packageJson.version;
