/** The domains of AWS's partitions other than the standard one, by region name prefix. */
const partitions: readonly (readonly [string, string])[] = [
  ["cn-", "amazonaws.com.cn"],
  ["eusc-", "amazonaws.eu"],
  ["us-iso-", "c2s.ic.gov"],
  ["us-isob-", "sc2s.sgov.gov"],
  ["us-isof-", "csp.hci.ic.gov"],
  ["eu-isoe-", "cloud.adc-e.uk"],
];

const usual = "amazonaws.com";

/** The domain of a region's services: `amazonaws.com`. */
export const awsDomain = (region: string): string =>
  partitions.find(([prefix]) => region.startsWith(prefix))?.[1] ?? usual;

/** The domains of all partitions. */
export const awsDomains: readonly string[] = [usual, ...partitions.map(([, domain]) => domain)];
