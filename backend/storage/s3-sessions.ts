import { isDeepStrictEqual } from "node:util";
import type { Credentials } from "../../shared/api/storage-access.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { fixedCredentials, type CredentialsSource } from "./credentials.ts";
import type { EndpointPolicy } from "./endpoint-guard.ts";
import { S3Session } from "./s3-session.ts";

type Kept = { readonly credentials: Credentials | undefined; readonly session: S3Session };

type SessionsOptions = {
  /** Used for tasks without credentials. If undefined, their requests are anonymous. */
  readonly ambient?: CredentialsSource | undefined;
  readonly endpoints: EndpointPolicy;
};

/**
 * The sessions of a thread, kept from task to task. The next task nearly always has the same credentials. Sessions that it does
 * not use are closed and their credentials forgotten.
 */
export class S3Sessions {
  readonly #options: SessionsOptions;
  readonly #chunks = new ChunkPool();
  #kept: readonly Kept[] = [];

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** The bytes of memory that are kept for later. */
  get spareBytes(): number {
    return this.#chunks.bytes;
  }

  /** Returns the sessions for a task's credentials, in the same order. */
  use(credentials: readonly (Credentials | undefined)[]): readonly S3Session[] {
    const used: Kept[] = [];
    const sessions = credentials.map((each) => {
      const isSame = (kept: Kept): boolean => isDeepStrictEqual(kept.credentials, each);
      const found = used.find(isSame) ?? this.#kept.find(isSame) ?? { credentials: each, session: this.#open(each) };
      used.push(found);
      return found.session;
    });
    for (const { session } of this.#kept) if (!sessions.includes(session)) void session.close();
    this.#kept = used;
    return sessions;
  }

  #open(credentials: Credentials | undefined): S3Session {
    const { ambient, endpoints } = this.#options;
    return new S3Session({
      credentials: credentials === undefined ? ambient : fixedCredentials(credentials),
      endpoints,
      chunks: this.#chunks,
    });
  }
}
