import type { JobDetail } from "../../sdk/index.ts";
import { shellWord } from "../../show/shell.ts";

/** A job as commands that start another one like it. Credentials are nobody's but who sent them. */

type Requested = Pick<JobDetail, "request">;

const quote = (text: string): string => (/^[\w./:@=+-]+$/.test(text) ? text : shellWord(text));

/** With curl. */
export const curlOf = ({ request }: Requested, origin: string): string =>
  `curl ${origin}/api/v1/jobs --header 'Content-Type: application/json' --data ${quote(JSON.stringify(request))}`;

const program = (name: string, args: readonly string[] | undefined): string =>
  quote([name, ...(args ?? []).map(quote)].join(" "));

/** With the command `edgefold`. */
export const commandOf = ({ request }: Requested, origin: string): string => {
  const { mapperName, reducerName, combinerName, aggregate, name, nReducers } = request;
  const options = [
    `--server ${origin}`,
    `--mapper ${program(mapperName, request.mapperArgs)}`,
    ...(reducerName === undefined ? [] : [`--reducer ${program(reducerName, request.reducerArgs)}`]),
    ...(combinerName === undefined ? [] : [`--combiner ${program(combinerName, request.combinerArgs)}`]),
    ...(aggregate === undefined ? [] : [`--aggregate ${aggregate}`]),
    ...(name === undefined ? [] : [`--name ${quote(name)}`]),
    ...(nReducers === undefined || nReducers === 1 ? [] : [`--reducers ${nReducers}`]),
    ...Object.entries(request.environment ?? {}).map(([key, value]) => `--env ${quote(`${key}=${value}`)}`),
  ];
  return `edgefold run ${options.join(" ")} ${quote(request.inputPath)} ${quote(request.outputPath)}`;
};
