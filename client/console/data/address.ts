/** Where one is: in the address's fragment, so that it can be sent to somebody, and needs nothing of the server. */

export type Route = {
  /** The parts of the path, decoded. */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
};

export const parseRoute = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").flatMap((part) => (part === "" ? [] : [decode(part)])),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The address of a page. What is undefined or empty in the query is left out. */
export const routeTo = (path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string => {
  const known = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  const search = new URLSearchParams(known).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search === "" ? "" : `?${search}`}`;
};
