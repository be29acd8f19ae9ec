import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { asError } from "../data/as-error.ts";
import { JobRequestSchema } from "../../../shared/api/job-request.ts";
import { identity } from "../../../shared/builtin-programs.ts";
import { ArgsSchema, EnvironmentSchema } from "../../../shared/program-settings.ts";
import { EdgefoldError, type JobDetail, type JobRequest } from "../../sdk/index.ts";
import { requestFields, type RequestField as Field } from "../../show/request-fields.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { mayChange, useSession } from "../data/session.ts";
import { Problem, Section } from "../parts/basics.tsx";
import { MapperSample, type SampleSettings } from "../parts/mapper-sample.tsx";
import { Upload } from "../parts/upload.tsx";

/** A form for a new job, made from the schema that the server checks it by. */

/** What is said of fields that are clear to those who read the whole reference. */
const descriptions: Readonly<Record<string, string>> = {
  mapperName: "Name of an artifact, or identity, which passes on each record as it is",
  mapperArgs: 'Arguments of the mapper, such as ["--min", "3"]; a module finds them in context.args',
  reducerName: "Likewise. Leave it empty if there is an aggregate or, with nReducers 0, for a map-only job.",
  reducerArgs: 'Such as ["--top", "10"]',
  combinerName: "Name of an artifact; often the reducer",
  aggregate: "Combines the values of each key, in place of a reducer and a combiner",
  inputStorageCredentials:
    'Such as {"username": "<access key id>", "password": "<secret key>"} or {"secretName": "<a Secret>"}',
  outputStorageCredentials: "Likewise",
};

/** Fields that come first, in this order; the others are options. */
const first = [
  "name",
  "mapperName",
  "mapperArgs",
  "reducerName",
  "reducerArgs",
  "combinerName",
  "aggregate",
  "inputPath",
  "inputStorageCredentials",
  "outputPath",
  "outputStorageCredentials",
  "nReducers",
];
const fixed = ["inputType", "useSSL"];

/** What is written in the fields, by their names. */
type Texts = Readonly<Record<string, string>>;

/** What a field's text stands for: texts as they are, all else as JSON. @throws SyntaxError where it is no JSON */
const valueOf = ({ type }: Field, text: string): unknown => {
  if (type === "string") return text;
  const value: unknown = JSON.parse(text);
  return value;
};

type Checked = {
  readonly request: JobRequest | undefined;
  readonly problems: ReadonlyMap<string, string>;
  /** What a sample of the mapper takes from the form as far as it is right. */
  readonly sample: SampleSettings;
};

/** Checks what is written by the server's own schema. */
const check = (fields: readonly Field[], texts: Texts): Checked => {
  const values: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  for (const field of fields) {
    const text = texts[field.name] ?? "";
    if (text === "") continue;
    try {
      values[field.name] = valueOf(field, text);
    } catch {
      problems.set(field.name, field.type === "array" ? 'must be a list such as ["a", "b"]' : "must be JSON");
    }
  }
  const parsed = JobRequestSchema.safeParse(values);
  for (const { path, message } of parsed.error?.issues ?? []) {
    const [name] = path;
    if (typeof name === "string" && !problems.has(name)) problems.set(name, message);
  }
  const sample = {
    args: ArgsSchema.safeParse(values["mapperArgs"]).data ?? [],
    environment: EnvironmentSchema.safeParse(values["environment"]).data ?? {},
    inputPath: texts["inputPath"] ?? "",
  };
  return { request: parsed.success && problems.size === 0 ? parsed.data : undefined, problems, sample };
};

const textsOf = (job: JobDetail | undefined): Texts =>
  Object.fromEntries(
    Object.entries(job?.request ?? {}).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );

type FieldProps = {
  readonly field: Field;
  readonly text: string;
  readonly problem: string | undefined;
  readonly artifacts: readonly string[];
  readonly onInput: (text: string) => void;
};

const FieldView = ({ field, text, problem, artifacts, onInput }: FieldProps) => {
  const { name, type, description, enum: words } = field;
  const id = `field-${name}`;
  const described = `${id}-says`;
  const common = { id, "aria-describedby": described, "aria-invalid": problem !== undefined };
  const isProgram = name.endsWith("Name") && name !== "name" && name !== "serviceAccountName" && name !== "queueName";
  const choices = type === "boolean" ? ["true", "false"] : words;
  const isPassing = name === "mapperName" || name === "reducerName";
  const programs = new Set(isPassing ? [...artifacts, identity] : artifacts);
  return (
    <div class="field">
      <label for={id}>{name}</label>
      <div>
        {choices !== undefined ? (
          <select {...common} value={text} onChange={(event) => onInput(event.currentTarget.value)}>
            <option value="">{field.default === undefined ? "" : `${JSON.stringify(field.default)} (default)`}</option>
            {choices.map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        ) : (
          <input
            {...common}
            value={text}
            autocomplete="off"
            list={isProgram ? `${id}-programs` : undefined}
            placeholder={field.default === undefined ? "" : JSON.stringify(field.default)}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        )}
        {isProgram && (
          <datalist id={`${id}-programs`}>
            {[...programs].map((program) => (
              <option key={program} value={program} />
            ))}
          </datalist>
        )}
      </div>
      <p id={described} class={problem === undefined ? "caption" : "problem"}>
        {problem ?? descriptions[name] ?? description}
      </p>
    </div>
  );
};

/** @param like an earlier job, whose request the form begins with */
const NewJobPage = ({ like }: { readonly like: string | undefined }) => {
  const session = useSession();
  const { client } = session;
  const fields = useMemo(requestFields, []);
  const earlier = useLoaded(
    async (signal) => (like === undefined ? undefined : await client.jobs.get(like, { signal })),
    [like],
  );
  const artifacts = useLoaded(
    async (signal) => (await client.artifacts.list({}, { signal }).page({ limit: 1000 })).items,
    [],
  );
  const [changes, setChanges] = useState<Texts>({});
  const [refused, setRefused] = useState<ReadonlyMap<string, string>>(new Map());
  const [error, setError] = useState<Error>();
  const texts = { ...textsOf(earlier.value), ...changes };
  const { request, problems, sample } = check(fields, texts);
  // A field that nobody has written in is not wrong yet.
  const problemOf = (name: string): string | undefined =>
    refused.get(name) ?? ((texts[name] ?? "") === "" ? undefined : problems.get(name));
  const submit = async (): Promise<void> => {
    setError(undefined);
    if (request === undefined) {
      setRefused(problems);
      return;
    }
    try {
      const { id } = await client.jobs.create(request);
      location.hash = routeTo(["jobs", id]);
    } catch (cause) {
      if (cause instanceof EdgefoldError) {
        setRefused(new Map(cause.errors.map(({ field, message }) => [field.split(".")[0] ?? field, message])));
      }
      setError(asError(cause));
    }
  };
  const view = (field: Field) => (
    <FieldView
      key={field.name}
      field={field}
      text={texts[field.name] ?? ""}
      problem={problemOf(field.name)}
      artifacts={artifacts.value?.map(({ name }) => name) ?? []}
      onInput={(text) => {
        setRefused(new Map([...refused].filter(([name]) => name !== field.name)));
        setChanges({ ...changes, [field.name]: text });
      }}
    />
  );
  const mapper = artifacts.value?.find(({ name, type }) => name === texts["mapperName"] && type === "module");
  const main = first.flatMap((name) => fields.filter((field) => field.name === name));
  const options = fields.filter(({ name }) => !first.includes(name) && !fixed.includes(name));
  return (
    <>
      <h1>{like === undefined ? "New job" : "Run again"}</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Section title="The job">
          {mayChange(session) && <Upload onDone={artifacts.reload} />}
          {main.map((field) => (
            <Fragment key={field.name}>
              {view(field)}
              {field.name === "mapperArgs" && mapper !== undefined && (
                <MapperSample key={mapper.name} artifact={mapper} settings={sample} />
              )}
            </Fragment>
          ))}
        </Section>
        <details>
          <summary>Options</summary>
          {options.map(view)}
        </details>
        <Problem error={error} />
        <div class="buttons">
          <button type="submit">Start</button>
          {request === undefined && <span class="caption">Something is missing, or wrong, yet.</span>}
        </div>
      </form>
    </>
  );
};

export default NewJobPage;
