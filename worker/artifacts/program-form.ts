import * as multipasta from "multipasta";
import {
  ArtifactNameSchema,
  artifactTypes,
  ArtifactTypeSchema,
  type ArtifactType,
} from "../../shared/api/artifacts.ts";
import { readChunks } from "../http/chunks.ts";
import { findMisfit, inferType } from "./artifact-type.ts";
import { ContentHead } from "./content-head.ts";
import { parsePartDisposition, type PartNames } from "./disposition.ts";
import { finalDashGuard } from "./multipart-guard.ts";
import { invalidRequest, ProblemError } from "../http/problems.ts";

/** Where a form's file goes. */
type ProgramSink = { begin(): Promise<void>; write(chunk: Uint8Array): Promise<void> };

type ProgramForm = { readonly name: string; readonly type: ArtifactType };

/** The largest request that Cloudflare passes on in any plan, unless it agrees to more. */
export const maxFormBytes = 500_000_000;

/** More than enough for the word in the field `type`. */
const maxFieldBytes = 1024;

const malformed = (detail: string): ProblemError => new ProblemError("malformed-form", detail);
const invalid = (field: string, message: string): ProblemError => invalidRequest([{ field, message }]);

const namesOf = (part: multipasta.PartInfo): PartNames => {
  // Not multipasta's own names: it reads no characters beyond U+00FF.
  const header = part.headers["content-disposition"];
  const names = typeof header === "string" ? parsePartDisposition(header) : null;
  if (names?.name == null) throw malformed("A part has no 'Content-Disposition: form-data' header with a name.");
  return names;
};

const programName = (filename: string | null): string => {
  if (filename === null) throw invalid("program", "must be a file, with a filename");
  const name = ArtifactNameSchema.safeParse(filename);
  if (!name.success) throw invalid("program", `has a filename that ${name.error.issues[0]?.message}`);
  return name.data;
};

/** Follows the parts of one form. What is to be written waits in `chunks` until the parser's synchronous call is over. */
class ProgramFormReader {
  name: string | undefined;
  type: ArtifactType | undefined;
  ended = false;
  chunks: Uint8Array[] = [];
  #open = false;

  readonly parser: multipasta.Parser;

  constructor(contentType: string) {
    this.parser = multipasta.make({
      headers: { "content-type": contentType },
      maxFieldSize: maxFieldBytes,
      isFile: (part) => this.#isFile(namesOf(part)),
      onFile: (part) => this.#onProgram(programName(namesOf(part).filename)),
      onField: (_, value) => this.#onType(new TextDecoder().decode(value)),
      onError: (error) => {
        if (error._tag === "ReachedLimit") throw invalid("type", `must be one of ${artifactTypes.join(", ")}`);
        throw malformed(`The form is malformed (${error._tag}).`);
      },
      onDone: () => {
        this.ended = true;
      },
    });
  }

  /** Whether the file has come to its end, too. */
  get complete(): boolean {
    return this.ended && !this.#open;
  }

  #isFile({ name }: PartNames): boolean {
    if (name !== "program" && name !== "type") throw invalid(name ?? "", "is not a known field");
    return name === "program";
  }

  #onProgram(name: string): (chunk: Uint8Array | null) => void {
    if (this.name !== undefined) throw invalid("program", "is given twice");
    this.name = name;
    this.#open = true;
    return (chunk) => {
      if (chunk === null) this.#open = false;
      else this.chunks.push(chunk);
    };
  }

  #onType(value: string): void {
    if (this.type !== undefined) throw invalid("type", "is given twice");
    const type = ArtifactTypeSchema.safeParse(value);
    if (!type.success) throw invalid("type", `must be one of ${artifactTypes.join(", ")}`);
    this.type = type.data;
  }
}

/**
 * The type that is given, or else inferred.
 *
 * @throws ProblemError 400 for what can never be used as that
 */
const typeOf = (name: string, given: ArtifactType | undefined, head: ContentHead): ArtifactType => {
  const type = given ?? inferType(name, head.start);
  const misfit = findMisfit(name, type, head);
  if (misfit !== undefined) throw invalid("program", misfit);
  return type;
};

/**
 * Reads the form of an upload, `program` (a file) and `type` in either order, and passes the file on while it arrives.
 *
 * @throws ProblemError 400 or 413; `sink` may have got a part of the file by then
 */
export const readProgramForm = async (
  body: ReadableStream<Uint8Array>,
  contentType: string,
  sink: ProgramSink,
): Promise<ProgramForm> => {
  const reader = new ProgramFormReader(contentType);
  const head = new ContentHead();
  const guard = finalDashGuard(contentType);
  let begun = false;
  for await (const chunk of readChunks(body, maxFormBytes)) {
    // What follows the last boundary means nothing (RFC 2046); it is read, as clients write before they listen.
    if (reader.ended) continue;
    reader.parser.write(guard(chunk));
    if (!begun && reader.name !== undefined) {
      await sink.begin();
      begun = true;
    }
    for (const piece of reader.chunks.splice(0)) {
      head.add(piece);
      await sink.write(piece);
    }
  }
  if (!reader.ended) reader.parser.end();
  if (!reader.complete) throw malformed("The form ended before its last boundary.");
  if (reader.name === undefined) throw invalid("program", "is required");
  return { name: reader.name, type: typeOf(reader.name, reader.type, head) };
};
