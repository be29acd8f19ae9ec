import { proxyVariables } from "../../proxy.ts";

/**
 * The variables that a runner gets from the agent's own environment, where they are set to something; one that ends in `*` names
 * all with this beginning. Nothing else is passed on: what the agent may know, a job's programs may not.
 */
const passed = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LC_*",
  "TZ",
  "TMPDIR",
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  ...proxyVariables,
  "AWS_*",
  "FILE_ROOTS",
  "STORAGE_ENDPOINTS",
  "RUNNER_MEMORY",
  "SORT_BUFFER",
  "MERGE_FACTOR",
  "TASK_OUTPUT_LIMIT",
  "RECORD_LIMIT",
];

const isPassed = (name: string): boolean =>
  passed.some((entry) => (entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry));

/** What of the agent's environment its runners inherit. */
export const inheritedEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name, value]) => isPassed(name) && value !== ""));
