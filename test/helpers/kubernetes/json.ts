/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A copy as sent over the wire: without undefined values. */
export const toJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null));

/** A copy without null fields, which count as unset. */
export const withoutNulls = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => (entry === null ? [] : [[key, withoutNulls(entry)]])),
  );
};

/** A copy of an object as sent over the wire. */
export const toJsonObject = (value: object): JsonObject => {
  const json = toJson(value);
  if (!isJsonObject(json)) throw new TypeError("this is not an object in JSON");
  return json;
};
