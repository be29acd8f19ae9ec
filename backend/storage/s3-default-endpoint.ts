import { awsDomain } from "./aws-domain.ts";
import { AwsEnvironmentSchema } from "./aws-environment.ts";
import { StorageError } from "./store.ts";

type EndpointChoice = {
  /** The job's own. */
  readonly endpoint?: string | undefined;
  /** The region of the credentials. */
  readonly region?: string | undefined;
  /** @default this process's */
  readonly environment?: NodeJS.ProcessEnv;
};

/**
 * The endpoint for addresses without one, `s3://bucket/key`, without a trailing slash: the job's own, else
 * `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, else AWS's in the region of the credentials, of `AWS_REGION` or of
 * `AWS_DEFAULT_REGION`, else in us-east-1. AWS's tools use the same order ("Service-specific endpoints" in their reference).
 * @throws StorageError `InvalidEndpoint` if the job or a variable names an invalid URL or region
 */
export const s3DefaultEndpoint = ({ endpoint, region, environment = process.env }: EndpointChoice = {}): string => {
  const variables = AwsEnvironmentSchema.parse(environment);
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = variables;
  const chosen = endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  if (chosen === undefined) return regional(region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? "us-east-1");
  const url = URL.parse(chosen);
  if (url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" && url.username === "") {
    return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  }
  const variable = AWS_ENDPOINT_URL_S3 === undefined ? "AWS_ENDPOINT_URL" : "AWS_ENDPOINT_URL_S3";
  throw new StorageError(
    "InvalidEndpoint",
    `${endpoint === undefined ? variable : "s3Endpoint"} must be a URL such as https://host:9000, without a query (InvalidEndpoint)`,
  );
};

/** @throws StorageError `InvalidEndpoint` if this cannot be a region of AWS */
const regional = (region: string): string => {
  if (/^[a-z]+(?:-[a-z]+)+-\d+$/.test(region)) return `https://s3.${region}.${awsDomain(region)}`;
  // R2's region is called `auto`.
  throw new StorageError(
    "InvalidEndpoint",
    `'${region}' is no region of AWS; name the endpoint as s3Endpoint (InvalidEndpoint)`,
  );
};
