/** The `Content-Disposition` header: of a form's part (RFC 7578), and of a download (RFC 6266). */

export type PartNames = { readonly name: string | null; readonly filename: string | null };

/**
 * Undoes what clients do to quotes and line ends in names: `%22`, `%0D` and `%0A` (browsers, undici, curl from 7.81), or a
 * backslash before a quote or a backslash (older curl). Every other `%` is a plain one.
 */
const unescape = (text: string): string =>
  text.replace(/\\(["\\])|%(22|0D|0A)/gi, (_, escaped: string | undefined, hex: string | undefined) =>
    escaped === undefined ? String.fromCharCode(Number.parseInt(hex ?? "", 16)) : escaped,
  );

/** The names in a part's header, which is UTF-8 as it is; null where it is no header of form data. */
export const parsePartDisposition = (header: string): PartNames | null => {
  if (!/^\s*form-data\s*(;|$)/i.test(header)) return null;
  const value = (parameter: string): string | null => {
    const match = new RegExp(String.raw`;\s*${parameter}\s*=\s*(?:"((?:\\["\\]|[^"])*)"|([^";\s]+))`, "i").exec(header);
    const quoted = match?.[1];
    return quoted === undefined ? (match?.[2] ?? null) : unescape(quoted);
  };
  return { name: value("name"), filename: value("filename") };
};

/** A header that makes a download a file of the name, whatever characters it has. */
export const attachment = (name: string): string => {
  const plain = name.replace(/[^ -~]|["\\%]/g, "_");
  const exact = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
};
