/**
 * Addresses that their writers mean otherwise than they would be understood, and what to write in their place. Only a request is
 * checked so; what was stored before is read as ever.
 */

type Rule = (text: string) => string | undefined;

/** Why an address cannot be meant as it is written, with the cure; undefined where it can. Repeats no query and no password. */
export const addressAdvice = (text: string): string | undefined => {
  for (const rule of rules) {
    const advice = rule(text);
    if (advice !== undefined) return advice;
  }
  return undefined;
};

/** Parameters of presigned URLs and of requests for versions, which no pattern has. */
const parameters = [
  String.raw`x-(?:amz|goog|oss|cos|obs|ms)-[\w-]+`,
  "awsaccesskeyid",
  "googleaccessid",
  "ossaccesskeyid",
  "signature",
  "sig",
  "expires",
  "policy",
  "key-pair-id",
  "security-token",
  "access_token",
  "token",
  "version-?id",
  "generation",
  "partnumber",
  String.raw`response-[\w-]+`,
  "x-id",
].join("|");

const queries: readonly RegExp[] = [
  new RegExp(String.raw`\?(?:[^/?]*&)?(?:${parameters})=`, "i"),
  /\?[a-z][\w.-]*=[^/?]*&[a-z][\w.-]*=/i,
  // One parameter that is not known, at the end; a pattern that goes on so holds another wildcard or a slash.
  /\?[a-z][\w.-]*=[^/*?[{]*$/i,
];

const query: Rule = (text) =>
  queries.some((pattern) => pattern.test(text))
    ? "must not have a query: presigned URLs and object versions (versionId) are not supported. Leave out the ? and what follows; " +
      "send the access as inputStorageCredentials or outputStorageCredentials. A ? that is meant as a wildcard can be written [!/]"
    : undefined;

/** No advice repeats a password; that it is there is told by whoever parses the address. */
const password: Rule = (text) =>
  /^[^/]*:\/\/[^/]*@|^[^/]*@/.test(text) ? "must not hold credentials; send them as storage credentials" : undefined;

const withoutSlashes = (rest: string): string => rest.replace(/^\/+/, "");

const hadoop = "HDFS is not S3-compatible: copy the data to a store that is, for example with hadoop distcp to s3a://";
const azure = "Azure's storage is not S3-compatible: copy the data to a store that is";
const files = "write file:///, then the absolute path";

/** What to write in place of `<scheme>:<rest>`. */
const schemes: Readonly<Record<string, (rest: string) => string>> = {
  s3: (rest) => `write s3://${withoutSlashes(rest)}`,
  s3a: (rest) => `write s3://${withoutSlashes(rest)}`,
  s3n: (rest) => `write s3://${withoutSlashes(rest)}`,
  gs: (rest) => `write https://storage.googleapis.com/${withoutSlashes(rest)}, with an HMAC key as credentials`,
  r2: (rest) => `write https://<account id>.r2.cloudflarestorage.com/${withoutSlashes(rest)}`,
  http: (rest) => `write http://${withoutSlashes(rest)}`,
  https: (rest) => `write https://${withoutSlashes(rest)}`,
  file: (rest) => (rest.startsWith("/") ? `write file:///${withoutSlashes(rest)}` : `${files} of ${rest}`),
  ...Object.fromEntries(["hdfs", "viewfs", "webhdfs", "swebhdfs", "har"].map((scheme) => [scheme, () => hadoop])),
  ...Object.fromEntries(
    ["wasb", "wasbs", "abfs", "abfss", "az", "azure", "adl"].map((scheme) => [scheme, () => azure]),
  ),
};

const understood = /^(?:s3|https?|file):\/\//i;

const otherScheme: Rule = (text) => {
  const [, name = "", rest = ""] = /^([a-z][a-z0-9]*):(.*)$/is.exec(text) ?? [];
  // `http:9000/bucket` is a host and its port.
  if (understood.test(text) || /^\d/.test(rest)) return undefined;
  // Whoever writes a password in front of a bucket need not see it again.
  return schemes[name.toLowerCase()]?.(/^\/*[^/]*@/.test(rest) ? "bucket/key" : rest);
};

const path: Rule = (text) => {
  if (text.startsWith("/")) return `an absolute path is written file://${text.replaceAll("%", "%25")}`;
  if (text.startsWith("~")) return `~ is not expanded: ${files}`;
  if (/^\.{1,2}(?:\/|$)/.test(text)) return `is a relative path: ${files}`;
  if (/^(?:[a-z]:[\\/]|\\\\)/i.test(text))
    return "is a Windows path: file:///path names a file of the machine that runs the tasks";
  return undefined;
};

const bareName: Rule = (text) => {
  const [host = ""] = text.split("/");
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /[.:]/.test(host) || host.toLowerCase() === "localhost")
    return undefined;
  // An IPv4 address as one number, which URLs allow.
  if (/^(?:\d+|0x[\da-f]+)$/i.test(host)) return undefined;
  return (
    `'${host}' has no dot and no port, so it is hardly a host: write the endpoint first, https://<endpoint>/${text}, ` +
    `or s3://${text}. A host of such a name is written http://${text}`
  );
};

/** Hosts that hold the bucket, and the endpoint within each. Sources: the vendors' documentation of their endpoints. */
const virtualHosts: readonly RegExp[] = [
  /^(.+)\.(s3(?:[.-](?:accelerate|dualstack|fips|[a-z]{2,4}(?:-[a-z]+){1,2}-\d))*\.amazonaws\.(?:com(?:\.cn)?|eu))$/,
  /^(.+?)\.([^.]+(?:\.(?:eu|fedramp|us))?\.r2\.cloudflarestorage\.com)$/,
  /^(.+)\.(storage\.googleapis\.com)$/,
  /^(.+)\.([a-z]{3}\d\.digitaloceanspaces\.com)$/,
  /^(.+)\.(s3\.[a-z0-9-]+\.(?:backblazeb2\.com|wasabisys\.com|scw\.cloud|io\.cloud\.ovh\.net))$/,
  /^(.+)\.(s3\.wasabisys\.com)$/,
  /^(.+)\.([a-z]{2}-[a-z]+-\d+\.linodeobjects\.com)$/,
  /^(.+)\.((?:fsn1|hel1|nbg1)\.your-objectstorage\.com)$/,
  /^(.+)\.(sos-[a-z0-9-]+\.exo\.io)$/,
];

const virtualHost: Rule = (text) => {
  const [, scheme = "https", authority = "", rest = ""] = /^(?:(https?):\/\/)?([^/]*)(.*)$/is.exec(text) ?? [];
  const [, host = "", port = ""] = /^(.*?)\.?(:\d+)?$/.exec(authority.toLowerCase()) ?? [];
  for (const pattern of virtualHosts) {
    const [, bucket, endpoint = ""] = pattern.exec(host) ?? [];
    // `eu` in front of R2's domain is a jurisdiction, and what is before it the account.
    if (bucket === undefined || /^(?:eu|fedramp|us)\.r2\./.test(endpoint)) continue;
    const pathStyle = endpoint.replace(/^s3[.-]accelerate(?=\.)/, "s3") + port;
    return (
      "has the bucket in the host's name, and must have it in the path: write " +
      `${scheme.toLowerCase()}://${pathStyle}/${bucket}${rest}`
    );
  }
  return undefined;
};

const rules: readonly Rule[] = [query, otherScheme, password, path, bareName, virtualHost];
