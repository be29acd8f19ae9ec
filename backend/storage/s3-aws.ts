import { awsDomains } from "./aws-domain.ts";
import { bucketRegion } from "./s3-failure.ts";

/** The endpoint of a bucket, and the region to sign for. */
export type BucketPlace = { readonly endpoint: string; readonly region: string };

const domains = awsDomains.map((name) => name.replaceAll(".", String.raw`\.`)).join("|");

const awsHost = new RegExp(String.raw`\.(?:${domains})$`);

/** Whether an endpoint belongs to AWS, including VPC endpoints. */
export const isAws = (endpoint: string): boolean => awsHost.test(new URL(endpoint).hostname);

/** AWS's endpoints for path-style addresses: global, regional, FIPS and dual-stack, in every partition. */
const awsEndpoint = new RegExp(
  String.raw`^(?<scheme>https?)://(?<service>s3(?:-fips)?(?:\.dualstack)?)(?:[.-][a-z0-9-]+)?(?<domain>\.(?:${domains}))$`,
);

/**
 * Finds where AWS keeps a bucket, from the redirect that an endpoint in another region answers. Redirects of other stores are
 * not followed, because they could lead anywhere, whereas this one leads to another endpoint of AWS.
 *
 * @returns undefined if the answer is not such a redirect
 */
export const movedBucket = (
  endpoint: string,
  { status, headers }: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
): BucketPlace | undefined => {
  const region = bucketRegion(headers);
  const { scheme, service, domain } = awsEndpoint.exec(endpoint)?.groups ?? {};
  if (status !== 301 && status !== 307) return undefined;
  if (scheme === undefined || region === undefined || !/^[a-z0-9-]+$/.test(region)) return undefined;
  const regional = `${scheme}://${service}.${region}${domain}`;
  return regional === endpoint ? undefined : { endpoint: regional, region };
};
