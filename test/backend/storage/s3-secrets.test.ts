import { afterEach, beforeEach, expect, test } from "vitest";
import { fixedCredentials } from "../../../backend/storage/credentials.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import type { Store } from "../../../backend/storage/store.ts";
import { reply, startFaultServer, type FaultServer } from "./fault-server.ts";

/** A store's words about a refusal are shown to everybody who can see the job. */

const credentials = { username: "key-id", password: "secret/pass+word=", sessionToken: "session/token+of=" };

let server: FaultServer;
let store: Store;
beforeEach(async () => {
  server = await startFaultServer();
  store = s3Store({ credentials: fixedCredentials(credentials), pause: async () => undefined });
});
afterEach(() => server.close());

/** What S3 itself answers, and more. */
const echo = `<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code>
  <Message>no: ${credentials.sessionToken} and ${credentials.password}, ${credentials.sessionToken}</Message>
  <AWSAccessKeyId>${credentials.username}</AWSAccessKeyId>
  <StringToSign>AWS4-HMAC-SHA256 ${credentials.sessionToken}</StringToSign><SignatureProvided>0a1b2c</SignatureProvided>
  <CanonicalRequest>x-amz-security-token:${credentials.sessionToken}</CanonicalRequest></Error>`;

const shown = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

test.each([
  ["a refusal", 403],
  ["an error under status 200", 200],
])("credentials that the store repeats are left out: %s", async (_, status) => {
  server.replies.push(reply(status, echo));
  const listed = async (): Promise<void> => {
    for await (const _object of store.list(server.at));
  };
  const message = await shown(listed());
  expect(server.headers[0]?.["x-amz-security-token"]).toBe(credentials.sessionToken);
  expect(message).toContain("no: … and …, … (SignatureDoesNotMatch)");
  for (const secret of [...Object.values(credentials), "0a1b2c", "StringToSign"]) expect(message).not.toContain(secret);
});
