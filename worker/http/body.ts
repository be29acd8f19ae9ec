import type { z } from "zod";
import { parseJson } from "../../shared/json.ts";
import { readChunks, requireLength } from "./chunks.ts";
import { invalidRequest, ProblemError, type FieldError } from "./problems.ts";

const maxJsonBytes = 1024 * 1024;

/** The media type of a request's body, without its parameters. */
const mediaTypeOf = (request: Request): string =>
  (request.headers.get("Content-Type") ?? "").replace(/;.*$/s, "").trim().toLowerCase();

/** @throws ProblemError 415 unless the body is of the type */
export const requireMediaType = (request: Request, type: string): void => {
  if (mediaTypeOf(request) === type) return;
  throw new ProblemError("unsupported-media-type", `The body must be ${type}.`, { headers: { Accept: type } });
};

const readText = async (body: ReadableStream<Uint8Array> | null): Promise<string> => {
  if (body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  try {
    for await (const chunk of readChunks(body, maxJsonBytes)) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError("malformed-body", "The body is not valid UTF-8.");
  }
};

const joinPath = (...path: readonly PropertyKey[]): string => path.map(String).join(".");

const fieldErrors = (issue: z.core.$ZodIssue): FieldError[] => {
  if (issue.code === "invalid_union") {
    // The variant with the fewest issues is the one that was meant.
    const [nearest] = issue.errors.toSorted((a, b) => a.length - b.length);
    if (nearest !== undefined) {
      return nearest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }));
    }
  }
  if (issue.code === "invalid_key") {
    const [inner] = issue.issues;
    if (inner !== undefined) return [{ field: joinPath(...issue.path), message: inner.message }];
  }
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => ({ field: joinPath(...issue.path, key), message: "is not a known field" }))
    : [{ field: joinPath(...issue.path), message: issue.message }];
};

/** Describes an issue as the rest of a sentence that begins with the field's name. */
const describeIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return "is required";
  if (issue.code === "invalid_type")
    return `must be ${issue.expected === "int" ? "a whole number" : `of type ${issue.expected}`}`;
  if (issue.code === "invalid_value")
    return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
  if (issue.code === "too_big" && issue.origin === "string") return `must have at most ${issue.maximum} characters`;
  if (issue.code === "too_small" && issue.origin === "string") return "must not be empty";
  return undefined;
};

/** Parses a value from outside. @throws ProblemError 400 that names every invalid field */
export const check = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> => {
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues.flatMap(fieldErrors));
};

/** Reads a JSON body of a schema. @throws ProblemError 400, 413 or 415 */
export const readJson = async <S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> => {
  requireMediaType(request, "application/json");
  requireLength(request, maxJsonBytes);
  const value = parseJson(await readText(request.body));
  if (value === undefined) throw new ProblemError("malformed-body", "The body is not JSON.");
  return check(schema, value);
};
