import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { Edgefold, EdgefoldError, type Me } from "../../sdk/index.ts";

/** Who uses the console. The token lasts as long as the tab. */

const key = "edgefold-token";

export type Session = {
  readonly client: Edgefold;
  readonly me: Me;
  /** Whether the server asks for a token. */
  readonly isSignedIn: boolean;
  readonly signOut: () => void;
};

const makeClient = (token: string | undefined): Edgefold => new Edgefold({ url: location.origin, token });

/** @returns who the token is, and undefined where the server wants one that it knows */
export const openSession = async (given?: string): Promise<Session | undefined> => {
  const token = given ?? sessionStorage.getItem(key) ?? undefined;
  const client = makeClient(token);
  try {
    const me = await client.me();
    if (token !== undefined) sessionStorage.setItem(key, token);
    return { client, me, isSignedIn: token !== undefined, signOut };
  } catch (error) {
    if (!(error instanceof EdgefoldError) || error.status !== 401) throw error;
    sessionStorage.removeItem(key);
    return undefined;
  }
};

const signOut = (): void => {
  sessionStorage.removeItem(key);
  location.reload();
};

export const SessionContext = createContext<Session | undefined>(undefined);

/** The session, on pages that are shown to those who have one. */
export const useSession = (): Session => {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("there is no session");
  return session;
};

export const mayChange = ({ me }: Session): boolean => me.role !== "viewer";
export const isAdmin = ({ me }: Session): boolean => me.role === "admin";
