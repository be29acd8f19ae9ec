import { delimiter, resolve } from "node:path";
import { localKeys } from "./local-access.ts";
import { StartError } from "./parts.ts";
import { startSystem } from "./system.ts";

/** `npm run dev`: a whole Edgefold on this machine, until Ctrl-C. */
const port = Number(process.env["PORT"] ?? 4750);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error("PORT must be a port number, from 1 to 65535.");
  process.exit(1);
}

const job = (url: string, s3Endpoint: string): string => {
  const keys = JSON.stringify(localKeys);
  const put = `--aws-sigv4 aws:amz:auto:s3 --user ${localKeys.username}:${localKeys.password} -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -H 'Expect:'`;
  return `
  curl -X PUT ${url}/api/v1/artifacts --form program=@examples/word-count/mapper.mjs --form type=module
  curl -X PUT ${url}/api/v1/artifacts --form program=@examples/word-count/reducer.mjs --form type=module
  curl -T README.md ${s3Endpoint}/data/text.txt ${put}
  curl ${url}/api/v1/jobs -H 'Content-Type: application/json' -d '{
    "inputPath": "${s3Endpoint}/data/text.txt", "outputPath": "${s3Endpoint}",
    "mapperName": "mapper.mjs", "reducerName": "reducer.mjs",
    "inputStorageCredentials": ${keys},
    "outputStorageCredentials": ${keys}}'`;
};

try {
  const system = await startSystem({
    port,
    stateDir: resolve(process.env["STATE_DIR"] ?? ".wrangler/state"),
    fileRoots: process.env["FILE_ROOTS"]?.split(delimiter) ?? [process.cwd()],
  });
  console.log(`Edgefold is ready on ${system.url}

S3 endpoint        ${system.s3Endpoint} (buckets: data, reducers)
access key id      ${localKeys.username}
secret access key  ${localKeys.password}

A job to paste:
${job(system.url, system.s3Endpoint)}
`);
  const stopped = new Promise<undefined>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(undefined));
  });
  const failed = await Promise.race([stopped, system.failed]);
  if (failed !== undefined) console.error(failed);
  await system.stop();
  process.exit(failed === undefined ? 0 : 1);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  process.exit(1);
}
