import { ApiException } from "@kubernetes/client-node";
import { z } from "zod";

/** An answer of the API server other than success. */
export type ApiFailure = { readonly status: number; readonly message: string };

const StatusSchema = z.object({ message: z.string() });

const messageOf = (body: unknown): string => {
  let value = body;
  if (typeof value === "string") {
    try {
      value = JSON.parse(value);
    } catch {
      return String(body);
    }
  }
  return StatusSchema.safeParse(value).data?.message ?? JSON.stringify(value);
};

/** What the API server answered, undefined where it was not that which failed. */
export const apiFailure = (error: unknown): ApiFailure | undefined =>
  error instanceof ApiException ? { status: error.code, message: messageOf(error.body) } : undefined;

/** Why a call has failed, in the API server's words where it has said something. */
export const reasonOf = (error: unknown): string =>
  apiFailure(error)?.message ?? (error instanceof Error ? error.message : String(error));

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
