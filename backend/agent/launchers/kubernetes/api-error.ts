import { STATUS_CODES } from "node:http";
import { ApiException } from "@kubernetes/client-node";
import { z } from "zod";

/** An unsuccessful answer of the API server. */
export type ApiFailure = { readonly status: number; readonly message: string };

const StatusSchema = z.object({ message: z.string() });

const messageOf = (body: unknown): string | undefined => {
  let value = body;
  if (typeof value === "string") {
    try {
      value = JSON.parse(value);
    } catch {
      return String(body);
    }
  }
  return StatusSchema.safeParse(value).data?.message;
};

/** Returns the API server's unsuccessful answer; undefined if the error is of another kind. */
export const apiFailure = (error: unknown): ApiFailure | undefined =>
  error instanceof ApiException
    ? // The library discards the body of a 401.
      { status: error.code, message: messageOf(error.body) ?? `${error.code} ${STATUS_CODES[error.code] ?? ""}`.trim() }
    : undefined;

/** Returns why a call failed: the API server's message if there is one, else the system's. */
export const reasonOf = (error: unknown): string => {
  const failure = apiFailure(error);
  if (failure !== undefined) return failure.message;
  if (!(error instanceof Error)) return String(error);
  // `fetch failed` explains nothing, and an AggregateError, for several addresses that were tried, has no message of its own.
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error.message;
};

/** Awaits a request, treating an answer with one of these statuses as success. @returns undefined for such an answer */
export const unless = async <T>(request: Promise<T>, ...statuses: readonly number[]): Promise<T | undefined> => {
  try {
    return await request;
  } catch (error) {
    const failure = apiFailure(error);
    if (failure !== undefined && statuses.includes(failure.status)) return undefined;
    throw error;
  }
};
