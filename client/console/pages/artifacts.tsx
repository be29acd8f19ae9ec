import type { StoredArtifact } from "../../sdk/index.ts";
import { showBytes } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { isAdmin, mayChange, useSession } from "../data/session.ts";
import { Action } from "../parts/action.tsx";
import { Ago, Problem } from "../parts/basics.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { Upload } from "../parts/upload.tsx";

const pageSize = 200;

export const ArtifactsPage = () => {
  const session = useSession();
  const { client } = session;
  const { value, error, reload } = useLoaded(
    async (signal) => await client.artifacts.list({}, { signal }).page({ limit: pageSize }),
    [],
    10_000,
  );
  const columns: readonly Column<StoredArtifact>[] = [
    { title: "Name", cell: ({ name }) => name },
    { title: "Type", cell: ({ type }) => type },
    { title: "Size", kind: "number", cell: ({ size }) => showBytes(size) },
    { title: "SHA-256", cell: ({ hash }) => <code>{hash.slice(0, 12)}</code>, hint: ({ hash }) => hash },
    { title: "Uploaded", cell: ({ uploadedAt }) => uploadedAt !== null && <Ago time={uploadedAt} /> },
    { title: "By", cell: ({ uploadedBy }) => uploadedBy },
    {
      title: "Actions",
      cell: ({ name }) =>
        isAdmin(session) && (
          <Action
            label="Delete"
            isDangerous
            question={`Delete ${name}? Jobs keep what they were started with.`}
            act={async () => {
              await client.artifacts.delete(name);
              reload();
            }}
          />
        ),
    },
  ];
  return (
    <>
      <h1>Artifacts</h1>
      {mayChange(session) && <Upload onDone={reload} />}
      <Problem error={error} />
      {value?.items.length === 0 && <p class="caption">There are no artifacts yet.</p>}
      {value !== undefined && value.items.length > 0 && (
        <Table label="Artifacts" columns={columns} items={value.items} keyOf={({ name }) => name} />
      )}
      {value?.next !== undefined && (
        <p class="caption">These are the newest {pageSize}: edgefold artifacts ls has all.</p>
      )}
    </>
  );
};
