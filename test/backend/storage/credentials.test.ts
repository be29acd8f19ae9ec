import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as settled } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ambientCredentials, fixedCredentials, type CredentialsSource } from "../../../backend/storage/credentials.ts";
import { refreshedCredentials } from "../../../backend/storage/refreshed-credentials.ts";
import { anyEndpoint } from "../../../backend/storage/endpoint-guard.ts";
import { openStore } from "../../../backend/storage/open.ts";
import { S3Session } from "../../../backend/storage/s3-session.ts";
import { S3Sessions } from "../../../backend/storage/s3-sessions.ts";
import { s3Store } from "../../../backend/storage/s3.ts";
import { stsEndpoint } from "../../../backend/storage/sts-endpoint.ts";
import { until } from "../../helpers/until.ts";
import { error, reply, reset, startFaultServer, type FaultServer, type Reply } from "./fault-server.ts";

const minute = 60_000;
const begin = Date.parse("2026-01-01T00:00:00Z");
const role = "arn:aws:iam::123456789012:role/reader";
const secret = "header.payload.signature";

let service: FaultServer;
let store: FaultServer;
let folder: string;
let tokenFile: string;
let now: number;
let pauses: number;

beforeEach(async () => {
  service = await startFaultServer();
  store = await startFaultServer();
  folder = await mkdtemp(join(tmpdir(), "edgefold-test-"));
  tokenFile = join(folder, "token");
  await writeFile(tokenFile, `${secret}\n`);
  now = begin;
  pauses = 0;
});
afterEach(async () => {
  await Promise.all([service.close(), store.close()]);
  await rm(folder, { recursive: true });
});

const clock = {
  now: () => now,
  pause: async () => {
    pauses += 1;
  },
};

const host = (): string => new URL(service.at.endpoint).host;
const webIdentity = () => ({
  AWS_ROLE_ARN: role,
  AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
  AWS_ENDPOINT_URL_STS: service.at.endpoint,
  AWS_REGION: "eu-west-3",
});
const container = () => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.at.endpoint}/v1/credentials`,
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
});
const ambient = (environment: NodeJS.ProcessEnv = webIdentity()): CredentialsSource =>
  ambientCredentials(environment, clock);

/** The answer of each service with the credentials `name`, valid for `minutes` from now on. */
const assumed = (name: string, minutes = 60): Reply =>
  reply(
    200,
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult>
        <Credentials>
          <AccessKeyId>${name}</AccessKeyId>
          <SecretAccessKey>${name}-secret</SecretAccessKey>
          <SessionToken>${name}-session</SessionToken>
          <Expiration>${new Date(now + minutes * minute).toISOString()}</Expiration>
        </Credentials>
      </AssumeRoleWithWebIdentityResult>
    </AssumeRoleWithWebIdentityResponse>`,
  );
const given = (name: string, minutes = 60): Reply =>
  reply(
    200,
    JSON.stringify({
      AccessKeyId: name,
      SecretAccessKey: `${name}-secret`,
      Token: `${name}-session`,
      Expiration: new Date(now + minutes * minute).toISOString(),
    }),
  );
const refused = (status: number, code: string, message: string): Reply =>
  reply(status, `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`);

const named = (name: string) => ({ username: name, password: `${name}-secret`, sessionToken: `${name}-session` });
/** The key ids that the store received, in order. */
const shown = (): (string | undefined)[] =>
  store.headers.map(({ authorization }) => /Credential=([^/]+)/.exec(authorization ?? "")?.[1]);

describe("a web identity", () => {
  test("is sent to STS, and the resulting credentials to the store", async () => {
    service.replies.push(assumed("first"));
    store.replies.push(reply(200));
    await s3Store({ credentials: ambient({ ...webIdentity(), AWS_ROLE_SESSION_NAME: "me" }) }).put(
      store.at,
      Buffer.from("x"),
    );
    expect(service.asked).toEqual(["POST /"]);
    expect(service.headers[0]).not.toHaveProperty("authorization");
    expect(Object.fromEntries(new URLSearchParams(service.bodies[0]))).toEqual({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: "me",
      WebIdentityToken: secret,
    });
    expect(shown()).toEqual(["first"]);
    expect(store.headers[0]?.["x-amz-security-token"]).toBe("first-session");
  });

  test("gets its own session name if none is given", async () => {
    service.replies.push(assumed("first"));
    await ambient()();
    expect(new URLSearchParams(service.bodies[0]).get("RoleSessionName")).toMatch(/^edgefold-[\w+=,.@-]+$/);
  });

  test("leaves the region of the bucket to the store", async () => {
    service.replies.push(assumed("first"));
    store.replies.push(error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"), reply(200));
    await s3Store({ credentials: ambient() }).put(store.at, Buffer.from("x"));
    expect(store.headers[1]?.authorization).toContain("/eu-north-1/s3/");
  });
});

test.each([
  [{ AWS_REGION: "eu-west-1" }, "https://sts.eu-west-1.amazonaws.com/"],
  [{ AWS_DEFAULT_REGION: "eu-west-1" }, "https://sts.eu-west-1.amazonaws.com/"],
  [{ AWS_REGION: "cn-north-1" }, "https://sts.cn-north-1.amazonaws.com.cn/"],
  [{ AWS_REGION: "us-gov-west-1" }, "https://sts.us-gov-west-1.amazonaws.com/"],
  [{ AWS_REGION: "us-isob-east-1" }, "https://sts.us-isob-east-1.sc2s.sgov.gov/"],
  [{ AWS_REGION: "eu-west-1", AWS_STS_REGIONAL_ENDPOINTS: "regional" }, "https://sts.eu-west-1.amazonaws.com/"],
  [{ AWS_REGION: "eu-west-1", AWS_STS_REGIONAL_ENDPOINTS: "legacy" }, "https://sts.amazonaws.com/"],
  [{ AWS_REGION: "eu-south-1", AWS_STS_REGIONAL_ENDPOINTS: "legacy" }, "https://sts.eu-south-1.amazonaws.com/"],
  [{}, "https://sts.amazonaws.com/"],
  [{ AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_STS: "http://minio:9000" }, "http://minio:9000/"],
  [{ AWS_ENDPOINT_URL_STS: "minio:9000" }, undefined],
  [{ AWS_REGION: "no region" }, undefined],
])("with %o STS is at %s", (variables, expected) => {
  expect(stsEndpoint(variables)?.href).toBe(expected);
});

describe("a container", () => {
  test("sends the token in its file to its agent", async () => {
    service.replies.push(given("first"));
    expect(await ambient({ ...container(), AWS_CONTAINER_AUTHORIZATION_TOKEN: "another" })()).toEqual(named("first"));
    expect(service.asked).toEqual(["GET /v1/credentials"]);
    expect(service.headers[0]?.authorization).toBe(secret);
  });

  test("sends the token in a variable, or none", async () => {
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI } = container();
    service.replies.push(given("first"), given("second"));
    await ambient({ AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN: "Basic x" })();
    await ambient({ AWS_CONTAINER_CREDENTIALS_FULL_URI })();
    expect(service.headers.map(({ authorization }) => authorization)).toEqual(["Basic x", undefined]);
  });

  test.each([
    ["http://169.254.169.254/x", "without https, 169.254.169.254 is not trusted with the token"],
    ["http://127.example.com/x", "without https, 127.example.com is not trusted with the token"],
    ["ftp://localhost/x", "without https, localhost is not trusted with the token"],
    ["/v1/credentials", "AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL"],
  ])("trusts no other host without TLS: %s", async (url, why) => {
    await expect(ambient({ ...container(), AWS_CONTAINER_CREDENTIALS_FULL_URI: url })()).rejects.toMatchObject({
      name: "StorageError",
      code: "CredentialsUnavailable",
      message: `cannot get credentials of the container: ${why} (CredentialsUnavailable)`,
    });
  });

  test("treats a relative URI as a path at the ECS agent, and as no other host", async () => {
    const relative = { ...container(), AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@example.com/x" };
    await expect(ambient(relative)()).rejects.toThrow("without https, example.com is not trusted");
    const other = { ...container(), AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "0/x" };
    await expect(ambient(other)()).rejects.toThrow("without https, 169.254.170.20 is not trusted");
    expect(service.asked).toEqual([]);
  });
});

describe("among several identities", () => {
  const key = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "key-secret", AWS_REGION: "eu-west-3" };

  test("a key takes precedence", async () => {
    const source = ambient({ ...key, ...container(), ...webIdentity() });
    expect(await source()).toEqual({ username: "key", password: "key-secret", region: "eu-west-3" });
    expect(service.asked).toEqual([]);
  });

  test("a web identity takes precedence over a container, and either counts only if it is complete", async () => {
    service.replies.push(assumed("web"), given("container"), given("container"));
    expect(await ambient({ AWS_ACCESS_KEY_ID: "key", ...container(), ...webIdentity() })()).toEqual(named("web"));
    expect(await ambient({ ...container(), ...webIdentity(), AWS_ROLE_ARN: "" })()).toEqual(named("container"));
    expect(await ambient({ ...container(), AWS_ROLE_ARN: role })()).toEqual(named("container"));
    expect(service.asked).toEqual(["POST /", "GET /v1/credentials", "GET /v1/credentials"]);
  });

  test("the job's own credentials take precedence over everything", async () => {
    const credentials = { username: "own", password: "own-secret" };
    store.replies.push(reply(200));
    const [session] = new S3Sessions({ ambient: ambient(), endpoints: anyEndpoint }).use([credentials]);
    await openStore({ session, fileRoots: [] }).put(store.at, Buffer.from("x"));
    expect(shown()).toEqual(["own"]);
    expect(service.asked).toEqual([]);
  });

  test("no identity leads to anonymous requests", async () => {
    store.replies.push(reply(200));
    const nobody = ambient({ AWS_REGION: "eu-west-3", AWS_ROLE_ARN: role });
    await s3Store({ credentials: nobody }).put(store.at, Buffer.from("x"));
    expect(shown()).toEqual([undefined]);
  });
});

describe("temporary credentials", () => {
  test("are requested once, for any number of requests", async () => {
    const source = ambient();
    service.replies.push(assumed("first"));
    expect(await Promise.all(Array.from({ length: 20 }, () => source()))).toEqual(
      Array.from({ length: 20 }, () => named("first")),
    );
    expect(await source()).toEqual(named("first"));
    expect(service.asked).toHaveLength(1);
  });

  test("are not requested before they are needed", async () => {
    ambient();
    await openStore({ session: new S3Session({ credentials: ambient() }), fileRoots: [folder] }).put(
      { scheme: "file", path: join(folder, "x") },
      Buffer.from("x"),
    );
    expect(service.asked).toEqual([]);
  });

  test("are replaced five minutes before they expire, with the current token, while requests continue", async () => {
    const source = ambient();
    service.replies.push(assumed("first"));
    await source();
    now = begin + 54 * minute;
    expect(await source()).toEqual(named("first"));
    expect(service.asked).toHaveLength(1);
    now = begin + 55 * minute;
    await writeFile(tokenFile, "another token");
    service.replies.push(assumed("second"));
    expect(await Promise.all([source(), source()])).toEqual([named("first"), named("first")]);
    await until("the second credentials", async () => ((await source())?.username === "second" ? true : undefined));
    expect(service.asked).toHaveLength(2);
    expect(new URLSearchParams(service.bodies[1]).get("WebIdentityToken")).toBe("another token");
  });

  test("are waited for if the previous ones have expired", async () => {
    const source = ambient(container());
    service.replies.push(given("first"));
    await source();
    now = begin + 60 * minute;
    service.replies.push(given("second"));
    expect(await source()).toEqual(named("second"));
  });

  test("are used until they expire if they cannot be replaced, which is tried once a minute", async () => {
    let asked = 0;
    const source = refreshedCredentials(async () => {
      asked += 1;
      if (asked > 1) throw new Error(`refusal ${asked}`);
      return { credentials: named("first"), expires: begin + 60 * minute };
    }, clock.now);
    await source();
    const counts: number[] = [];
    for (const after of [54, 55, 55.5, 56, 56.5, 59]) {
      now = begin + after * minute;
      expect(await source()).toEqual(named("first"));
      await settled();
      counts.push(asked);
    }
    expect(counts).toEqual([1, 2, 2, 3, 3, 4]);
    now = begin + 60 * minute;
    await expect(source()).rejects.toThrow("refusal 5");
  });

  test("do not delay a request that is aborted", async () => {
    const controller = new AbortController();
    const stopped = new Error("stopped");
    service.replies.push(() => controller.abort(stopped));
    const waiting = s3Store({ credentials: ambient(), signal: controller.signal });
    await expect(waiting.head(store.at)).rejects.toBe(stopped);
    expect(store.asked).toEqual([]);
  });
});

/** A store that accepts any credentials except `first`. */
const unlessFirst: Reply = (response, request) => {
  const isOld = request.headers.authorization?.includes("first") === true;
  (isOld ? error(400, "ExpiredToken") : reply(200))(response, request);
};

describe("credentials that the store reports as expired", () => {
  test.each(["ExpiredToken", "ExpiredTokenException", "InvalidToken", "InvalidTokenId"])(
    "are replaced, and the request is repeated: %s",
    async (code) => {
      service.replies.push(assumed("first"), assumed("second"));
      store.replies.push(error(400, code), reply(200), reply(200));
      const renewing = s3Store({ credentials: ambient() });
      await renewing.put(store.at, Buffer.from("x"));
      await renewing.put(store.at, Buffer.from("x"));
      expect(shown()).toEqual(["first", "second", "second"]);
      expect(store.bodies).toEqual(["x", "x", "x"]);
    },
  );

  test("are replaced once for all requests", async () => {
    service.replies.push(assumed("first"), assumed("second"));
    store.replies.push(...Array.from({ length: 20 }, () => unlessFirst));
    const renewing = s3Store({ credentials: ambient() });
    await Promise.all(Array.from({ length: 10 }, () => renewing.put(store.at, Buffer.from("x"))));
    expect(service.asked).toHaveLength(2);
  });

  test("are reported if new ones are refused too", async () => {
    service.replies.push(assumed("first"), assumed("second"));
    store.replies.push(error(400, "ExpiredToken"), error(400, "ExpiredToken"));
    const failing = s3Store({ credentials: ambient() });
    await expect(failing.put(store.at, Buffer.from("x"))).rejects.toMatchObject({ code: "ExpiredToken" });
    expect(shown()).toEqual(["first", "second"]);
  });

  test("are reported if there are no others", async () => {
    store.replies.push(error(400, "ExpiredToken"));
    const fixed = s3Store({ credentials: fixedCredentials(named("own")) });
    await expect(fixed.put(store.at, Buffer.from("x"))).rejects.toMatchObject({ code: "ExpiredToken" });
    expect(shown()).toEqual(["own"]);
  });

  test("are also replaced for a HEAD, whose refusal has no code", async () => {
    service.replies.push(assumed("first"), assumed("second"));
    store.replies.push(
      reply(400),
      error(400, "ExpiredToken"),
      reply(206, "x", { "content-range": "bytes 0-0/3" }),
      reply(200, "", { etag: '"e"' }),
    );
    expect(await s3Store({ credentials: ambient() }).head(store.at)).toMatchObject({ etag: '"e"' });
    expect(store.asked.map((asked) => asked.split(" ")[0])).toEqual(["HEAD", "GET", "GET", "HEAD"]);
  });
});

describe("a failure to get credentials", () => {
  test.each([
    [
      "STS refuses",
      refused(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
      "AccessDenied",
      "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    ],
    [
      "STS repeats the token",
      refused(400, "InvalidIdentityToken", `not signed: ${secret}`),
      "InvalidIdentityToken",
      "not signed: …",
    ],
    ["STS is silent", reply(403), "AccessDenied", "it answered with status 403 and no reason"],
    ["it is not STS", reply(200, "<html></html>"), "MalformedAnswer", "expected object"],
  ])("is reported if %s", async (_name, answer, code, why) => {
    service.replies.push(answer);
    const failure = s3Store({ credentials: ambient() }).put(store.at, Buffer.from("x"));
    await expect(failure).rejects.toMatchObject({ name: "StorageError", code });
    await expect(failure).rejects.toThrow(`cannot get credentials of the role ${role} from ${host()}: `);
    await expect(failure).rejects.toThrow(why);
    await expect(failure).rejects.toThrow(`(${code})`);
    await expect(failure).rejects.not.toThrow(secret);
    expect(service.asked).toHaveLength(1);
    expect(store.asked).toEqual([]);
  });

  test.each([
    ["JSON", reply(400, '{"code":"InvalidParameter","message":"no"}'), "InvalidParameter", "no"],
    [
      "the line of EKS's agent",
      reply(403, `[1-2]: (AccessDeniedException): not ${secret}, fault: client`),
      "AccessDeniedException",
      "[1-2]: (AccessDeniedException): not …, fault: client",
    ],
    ["a word", reply(403, "Access Denied."), "AccessDenied", "Access Denied."],
    ["nothing", reply(404), "NotFound", "it answered with status 404 and no reason"],
  ])("is reported in the words of the container's agent: %s", async (_name, answer, code, why) => {
    service.replies.push(answer);
    await expect(ambient(container())()).rejects.toMatchObject({
      code,
      message: `cannot get credentials of the container from ${host()}: ${why} (${code})`,
    });
  });

  test("is reported without the content of a broken answer", async () => {
    service.replies.push(reply(200, '{"AccessKeyId":"id","SecretAccessKey":"hidden"'));
    const failure = ambient(container())();
    await expect(failure).rejects.toMatchObject({ code: "MalformedAnswer" });
    await expect(failure).rejects.not.toThrow("hidden");
  });

  test.each([
    ["is missing", undefined, "ENOENT"],
    ["is empty", "\n", "is empty"],
  ])("can be caused by a token that %s", async (_name, text, why) => {
    if (text === undefined) await rm(tokenFile);
    else await writeFile(tokenFile, text);
    for (const environment of [webIdentity(), container()]) {
      const failure = ambient(environment)();
      await expect(failure).rejects.toMatchObject({ code: "CredentialsUnavailable" });
      await expect(failure).rejects.toThrow(tokenFile);
      await expect(failure).rejects.toThrow(why);
    }
    expect(service.asked).toEqual([]);
  });

  test("can be caused by the address of STS", async () => {
    await expect(ambient({ ...webIdentity(), AWS_ENDPOINT_URL_STS: "sts" })()).rejects.toThrow(
      `credentials of the role ${role}: AWS_ENDPOINT_URL_STS is no URL`,
    );
  });

  test("is retried if it can be transient", async () => {
    service.replies.push(
      refused(400, "IDPCommunicationError", "not now"),
      refused(400, "Throttling", "slowly"),
      refused(503, "ServiceUnavailable", "not now"),
      reset,
      assumed("first"),
    );
    expect(await ambient()()).toEqual(named("first"));
    expect(pauses).toBe(4);
  });

  test("is reported with the host's name after six attempts", async () => {
    const gone = { ...webIdentity(), AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1" };
    await expect(s3Store({ credentials: ambient(gone) }).put(store.at, Buffer.from("x"))).rejects.toMatchObject({
      code: "ECONNREFUSED",
      message: `cannot get credentials of the role ${role} from 127.0.0.1:1: it refuses the connection (ECONNREFUSED)`,
    });
    expect(pauses).toBe(5);
  });
});
