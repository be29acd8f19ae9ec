import { proxyVariables } from "../../proxy.ts";

/**
 * The variables that a runner inherits from the agent's own environment, unless they are empty. An entry ending in `*` matches
 * all names with that prefix. Nothing else is passed on, because a job's programs must not see the agent's secrets.
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

/** The part of the agent's environment that its runners inherit. */
export const inheritedEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name, value]) => isPassed(name) && value !== ""));
