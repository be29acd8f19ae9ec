import { List } from "./list.ts";
import { dataOf, once, repeatably, type ApiClient, type RequestOptions } from "./requests.ts";
import type { IssuedToken, Token, TokenRequest } from "./types.ts";

/** API tokens issued by admins. */
export class Tokens {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** Lists the tokens, sorted by name. */
  list(options: RequestOptions = {}): List<Token> {
    return new List(async (query) => this.#client.GET("/api/v1/tokens", { params: { query }, ...options }), options);
  }

  async get(name: string, options: RequestOptions = {}): Promise<Token> {
    const params = { path: { name } };
    return dataOf(
      await repeatably(async () => this.#client.GET("/api/v1/tokens/{name}", { params, ...options }), options),
    );
  }

  /** Issues a token, or replaces the one with that name, which stops working within a minute. @param name who uses the token */
  async put(name: string, request: TokenRequest, options: RequestOptions = {}): Promise<IssuedToken> {
    const params = { path: { name } };
    const send = async () => this.#client.PUT("/api/v1/tokens/{name}", { params, body: request, ...options });
    return dataOf(await repeatably(send, options));
  }

  /** Deletes a token. It stops working within a minute. */
  async delete(name: string, options: RequestOptions = {}): Promise<void> {
    const params = { path: { name } };
    await once(async () => this.#client.DELETE("/api/v1/tokens/{name}", { params, ...options }), options);
  }
}
