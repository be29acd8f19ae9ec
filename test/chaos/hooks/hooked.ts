import { fileURLToPath } from "node:url";

/** The folder named in a hook's URL if this process is an agent or a runner; otherwise undefined, and the hook does nothing. */
export const controlFolder = (hookUrl: string, ...parts: readonly ("agent" | "runner")[]): string | undefined => {
  const folder = new URL(hookUrl).searchParams.get("folder");
  const isHooked = parts.some((part) => process.argv[1]?.endsWith(`/backend/${part}/main.ts`) === true);
  return folder === null || !isHooked ? undefined : fileURLToPath(folder);
};
