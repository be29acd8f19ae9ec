import { readFile } from "node:fs/promises";
import { KubeConfig, type RequestContext } from "@kubernetes/client-node";
import { z } from "zod";

/** In milliseconds. */
const defaultRequestMs = 10_000;

const TokenFileSchema = z.object({ authProvider: z.object({ config: z.object({ tokenFile: z.string() }) }) });

/**
 * How the API server is reached. Unlike the library's own, a request that is not answered fails after a while, and a service
 * account's token is read for each request: a kubelet replaces it at any time, and the one before it may be refused at once.
 */
export class ClusterConfig extends KubeConfig {
  readonly #requestMs: number;

  /** @param requestMs how long a request may take, its answer included; a watch has the library's limit, 30 s of silence */
  constructor(requestMs = defaultRequestMs) {
    super();
    this.#requestMs = requestMs;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    const user = TokenFileSchema.safeParse(this.getCurrentUser());
    if (user.success) {
      const token = await readFile(user.data.authProvider.config.tokenFile, "utf8");
      context.setHeaderParam("Authorization", `Bearer ${token.trim()}`);
    }
    context.setSignal(AbortSignal.timeout(this.#requestMs));
  }
}
