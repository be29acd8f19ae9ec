import { useState } from "preact/hooks";
import { showBytes } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { isAdmin, mayChange, useSession } from "../data/session.ts";
import { Action } from "../parts/action.tsx";
import { Ago, Problem } from "../parts/basics.tsx";

const pageSize = 200;

/** Takes files that are dropped or chosen. */
const Upload = ({ onDone }: { readonly onDone: () => void }) => {
  const { client } = useSession();
  const [said, setSaid] = useState("");
  const [error, setError] = useState<Error>();
  const [isOver, setOver] = useState(false);
  const upload = async (files: FileList | null | undefined): Promise<void> => {
    setError(undefined);
    try {
      for (const file of files ?? []) {
        setSaid(`Uploading ${file.name} …`);
        const { name, type } = await client.artifacts.put(file.name, file);
        setSaid(
          `${name} is there, as ${type === "executable" ? "an executable" : type === "archive" ? "an archive" : `a ${type}`}.`,
        );
        onDone();
      }
    } catch (cause) {
      setSaid("");
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };
  return (
    <div
      class={isOver ? "drop drop-over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void upload(event.dataTransfer?.files);
      }}
    >
      <label>
        Drop programs, files and archives here, or choose them:{" "}
        <input type="file" multiple onChange={(event) => void upload(event.currentTarget.files)} />
      </label>
      <p role="status">{said}</p>
      <Problem error={error} />
    </div>
  );
};

export const ArtifactsPage = () => {
  const session = useSession();
  const { client } = session;
  const { value, error, reload } = useLoaded(
    async (signal) => await client.artifacts.list({}, { signal }).page({ limit: pageSize }),
    [],
    10_000,
  );
  return (
    <>
      <h1>Artifacts</h1>
      {mayChange(session) && <Upload onDone={reload} />}
      <Problem error={error} />
      {value?.items.length === 0 && <p class="caption">There are no artifacts yet.</p>}
      {value !== undefined && value.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Artifacts">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Type</th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col">SHA-256</th>
                <th scope="col">Uploaded</th>
                <th scope="col">By</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {value.items.map(({ name, type, size, hash, uploadedAt, uploadedBy }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{type}</td>
                  <td class="number">{showBytes(size)}</td>
                  <td title={hash}>
                    <code>{hash.slice(0, 12)}</code>
                  </td>
                  <td>{uploadedAt !== null && <Ago time={uploadedAt} />}</td>
                  <td>{uploadedBy}</td>
                  <td>
                    {isAdmin(session) && (
                      <Action
                        label="Delete"
                        isDangerous
                        question={`Delete ${name}? Jobs keep what they were started with.`}
                        act={async () => {
                          await client.artifacts.delete(name);
                          reload();
                        }}
                      />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {value?.next !== undefined && (
        <p class="caption">These are the newest {pageSize}: edgefold artifacts ls has all.</p>
      )}
    </>
  );
};
