/** The API server's answer to a request that it does not carry out. */
export type Status = {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Record<string, never>;
  readonly status: "Failure";
  readonly message: string;
  readonly reason?: string;
  readonly details?: Details;
  readonly code: number;
};

type Details = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
};

/** An error in one field. */
export type Cause = { readonly reason: string; readonly message: string; readonly field: string };

/** A resource as named in messages: `jobs` of `batch`; in validation errors its kind, `Job`. */
export type Named = { readonly plural: string; readonly kind: string; readonly group: string };

/** A refused request. */
export class Refusal extends Error {
  readonly status: Status;

  constructor(code: number, reason: string | undefined, message: string, details?: Details) {
    super(message);
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

const qualified = (name: string, group: string): string => (group === "" ? name : `${name}.${group}`);

const detailsOf = ({ plural, group }: Named, name: string): Details => ({
  ...(name === "" ? {} : { name }),
  ...(group === "" ? {} : { group }),
  kind: plural,
});

export const badRequest = (message: string): Refusal => new Refusal(400, "BadRequest", message);

export const unauthorized = (): Refusal => new Refusal(401, "Unauthorized", "Unauthorized");

export const noSuchResource = (): Refusal =>
  new Refusal(404, "NotFound", "the server could not find the requested resource", {});

export const methodNotAllowed = (): Refusal =>
  new Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

export const unsupportedMediaType = (message = "415: Unsupported Media Type"): Refusal =>
  new Refusal(415, "UnsupportedMediaType", message, {});

export const forbidden = (resource: Named, name: string, why: string): Refusal => {
  const what = qualified(resource.plural, resource.group);
  return new Refusal(
    403,
    "Forbidden",
    `${what}${name === "" ? "" : ` "${name}"`} is forbidden: ${why}`,
    detailsOf(resource, name),
  );
};

export const notFound = (resource: Named, name: string): Refusal =>
  new Refusal(
    404,
    "NotFound",
    `${qualified(resource.plural, resource.group)} "${name}" not found`,
    detailsOf(resource, name),
  );

export const alreadyExists = (resource: Named, name: string): Refusal =>
  new Refusal(
    409,
    "AlreadyExists",
    `${qualified(resource.plural, resource.group)} "${name}" already exists`,
    detailsOf(resource, name),
  );

export const conflict = (
  resource: Named,
  name: string,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): Refusal =>
  new Refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource.plural, resource.group)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const expired = (message: string): Refusal => new Refusal(410, "Expired", message);

/** An object that breaks rules, with the field for each. */
export const invalid = ({ kind, group }: Named, name: string, causes: readonly Cause[]): Refusal => {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts.join("") : `[${texts.join(", ")}]`;
  return new Refusal(422, "Invalid", `${qualified(kind, group)} "${name}" is invalid: ${all}`, {
    name,
    ...(group === "" ? {} : { group }),
    kind,
    causes,
  });
};
