import { addressAdvice } from "./address-advice.ts";
import { AddressError, keyOf, parseInput, unnamedEndpoint } from "./address.ts";
import { refusedHost } from "./ip-address.ts";

type Addresses = {
  readonly inputPath: string;
  readonly outputPath: string;
  readonly s3Endpoint?: string | undefined;
  readonly useSSL: boolean;
};

type Issue = { readonly field: keyof Addresses; readonly message: string };

/** Whether a text is the URL of an endpoint, which may have a path. */
export const isEndpoint = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.href === url.origin + url.pathname;
};

/** What is wrong with the addresses of a job's request, with the cure. Repeats no query and no password. */
export const addressIssues = (request: Addresses): readonly Issue[] => {
  const { inputPath, outputPath, s3Endpoint, useSSL } = request;
  return [
    ...wrongWith(inputPath, useSSL, inputIssues).map((message) => ({ field: "inputPath" as const, message })),
    ...wrongWith(outputPath, useSSL, outputIssues).map((message) => ({ field: "outputPath" as const, message })),
    ...(s3Endpoint === undefined || !isEndpoint(s3Endpoint) ? [] : wrongWith(s3Endpoint, useSSL, () => [])).map(
      (message) => ({ field: "s3Endpoint" as const, message }),
    ),
  ];
};

type Input = ReturnType<typeof parseInput>;

const wrongWith = (text: string, useSSL: boolean, also: (input: Input) => readonly string[]): readonly string[] => {
  const advice = addressAdvice(text);
  if (advice !== undefined) return [advice];
  try {
    const input = parseInput(text, useSSL);
    return [...also(input), ...wrongHost(input)];
  } catch (error) {
    if (error instanceof AddressError) return [error.message];
    throw error;
  }
};

const inputIssues = ({ address }: Input): readonly string[] =>
  address.scheme === "s3" && address.bucket === ""
    ? ["must name a bucket: http(s)://endpoint/bucket/key or s3://bucket/key"]
    : [];

const outputIssues = ({ address, written }: Input): readonly string[] => [
  ...(/[*?]/.test(written) ? ["must not be a glob"] : []),
  ...(keyOf(address).isWellFormed() ? [] : ["must be in UTF-8; only inputs may have other names"]),
];

/** What a name leads to, only the runner finds out. */
const wrongHost = ({ address }: Input): readonly string[] => {
  if (address.scheme !== "s3" || address.endpoint === unnamedEndpoint) return [];
  const host = new URL(address.endpoint).hostname;
  const refused = refusedHost(host);
  return refused === undefined ? [] : [`must name a store, which ${host} cannot be: it is ${refused}`];
};
