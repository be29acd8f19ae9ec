import { readFile } from "node:fs/promises";
import { KubeConfig, type RequestContext } from "@kubernetes/client-node";
import { z } from "zod";

/** In milliseconds. */
const defaultRequestMs = 10_000;

const TokenFileSchema = z.object({ authProvider: z.object({ config: z.object({ tokenFile: z.string() }) }) });

/**
 * The connection settings for the API server. Unlike the library's own, they add a request timeout and read a service account's
 * token for each request: the kubelet can replace it at any time, and the API server can refuse the old one immediately.
 */
export class ClusterConfig extends KubeConfig {
  readonly #requestMs: number;

  /** @param requestMs the timeout of a request, including its answer; watches have the library's limit, 30 s of silence */
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
