import { awsDomain } from "./aws-domain.ts";
import type { AwsEnvironment } from "./aws-environment.ts";

/** The regions that use the global STS endpoint if `AWS_STS_REGIONAL_ENDPOINTS` is `legacy`. */
const legacyRegions: ReadonlySet<string> = new Set([
  "ap-northeast-1",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ca-central-1",
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
]);

/**
 * The endpoint of STS: `AWS_ENDPOINT_URL_STS`, else that of the region in `AWS_REGION` or `AWS_DEFAULT_REGION`, else the global
 * one. Undefined if the result is not an HTTP(S) URL.
 */
export const stsEndpoint = ({
  AWS_ENDPOINT_URL_STS: endpoint,
  AWS_REGION,
  AWS_DEFAULT_REGION,
  AWS_STS_REGIONAL_ENDPOINTS,
}: AwsEnvironment): URL | undefined => {
  const region = AWS_REGION ?? AWS_DEFAULT_REGION;
  const url = URL.parse(endpoint ?? regional(region, AWS_STS_REGIONAL_ENDPOINTS === "legacy"));
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
};

const regional = (region: string | undefined, isLegacy: boolean): string => {
  if (region === undefined || (isLegacy && legacyRegions.has(region))) return "https://sts.amazonaws.com/";
  return `https://sts.${region}.${awsDomain(region)}/`;
};
