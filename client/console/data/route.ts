import { useEffect, useState } from "preact/hooks";
import { parseRoute, routeTo, type Route } from "./address.ts";

/** Replaces a part of the query, without a step in the browser's history. */
export const setQuery = (changes: Readonly<Record<string, string | undefined>>): void => {
  const { path, query } = parseRoute(location.hash);
  history.replaceState(null, "", routeTo(path, { ...query, ...changes }));
  dispatchEvent(new HashChangeEvent("hashchange"));
};

export const useRoute = (): Route => {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const update = (): void => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
};
