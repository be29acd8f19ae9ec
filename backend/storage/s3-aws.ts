import { bucketRegion } from "./s3-failure.ts";

/** An endpoint, and the region to sign for there. */
export type BucketPlace = { readonly endpoint: string; readonly region: string };

/** Whether an endpoint is one of AWS, also through a VPC. */
export const isAws = (endpoint: string): boolean => /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);

/** AWS's endpoints for path-style addresses: of all regions, of one, FIPS, dual-stack, China's. */
const awsEndpoint =
  /^(?<scheme>https?):\/\/(?<service>s3(?:-fips)?(?:\.dualstack)?)(?:[.-][a-z0-9-]+)?(?<domain>\.amazonaws\.com(?:\.cn)?)$/;

/**
 * Where AWS has a bucket, as its redirect from the endpoint of another region tells. Redirects of other stores are not
 * followed: they could lead anywhere, where this leads to another endpoint of AWS.
 *
 * @returns undefined for any other answer
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
