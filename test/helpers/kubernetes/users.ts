import { randomBytes } from "node:crypto";
import { accountUser } from "./rbac.ts";

/** Allowed to do everything. */
export const adminUser = "kubernetes-admin";

/** The users, each with a token. */
export class Users {
  readonly #tokens = new Map<string, string>();

  /** The user whose token this is. */
  withToken(token: string): string | undefined {
    return [...this.#tokens].find(([, one]) => one === token)?.[0];
  }

  tokenOf(user: string): string {
    const token = this.#tokens.get(user) ?? randomBytes(24).toString("base64url");
    this.#tokens.set(user, token);
    return token;
  }

  /** Replaces a user's token. */
  rotate(user: string): string {
    this.#tokens.delete(user);
    return this.tokenOf(user);
  }

  tokenOfAccount(namespace: string, name: string): string {
    return this.tokenOf(accountUser(namespace, name));
  }
}
