import { STATUS_CODES } from "node:http";
import { ApiException } from "@kubernetes/client-node";
import { z } from "zod";

/** An answer of the API server other than success. */
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

/** What the API server answered, undefined where it was not that which failed. */
export const apiFailure = (error: unknown): ApiFailure | undefined =>
  error instanceof ApiException
    ? // The library keeps no body of a 401.
      { status: error.code, message: messageOf(error.body) ?? `${error.code} ${STATUS_CODES[error.code] ?? ""}`.trim() }
    : undefined;

/** Why a call has failed, in the API server's words where it has said something, else in the system's. */
export const reasonOf = (error: unknown): string => {
  const failure = apiFailure(error);
  if (failure !== undefined) return failure.message;
  if (!(error instanceof Error)) return String(error);
  // `fetch failed` says nothing; several addresses that were tried have no message of their own.
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  return error.message;
};

/** Waits, and takes an answer with one of these statuses for success. @returns undefined then */
export const unless = async <T>(request: Promise<T>, ...statuses: readonly number[]): Promise<T | undefined> => {
  try {
    return await request;
  } catch (error) {
    const failure = apiFailure(error);
    if (failure !== undefined && statuses.includes(failure.status)) return undefined;
    throw error;
  }
};
