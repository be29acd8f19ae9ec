import { useState } from "preact/hooks";
import { asError } from "../data/as-error.ts";
import type { Token } from "../../sdk/index.ts";
import { useLoaded } from "../data/loaded.ts";
import { useSession } from "../data/session.ts";
import { Action } from "../parts/action.tsx";
import { Ago, Copy, fieldOf, Problem } from "../parts/basics.tsx";
import { Table, type Column } from "../parts/table.tsx";

const pageSize = 200;

/** Each allows all that those before it do. */
const roles: readonly Token["role"][] = ["viewer", "submitter", "admin"];

const Issue = ({ onDone }: { readonly onDone: () => void }) => {
  const { client } = useSession();
  const [issued, setIssued] = useState<string>();
  const [error, setError] = useState<Error>();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const role = roles.find((each) => each === fieldOf(form, "role")) ?? "viewer";
    const expires = fieldOf(form, "expires") || undefined;
    setError(undefined);
    try {
      const { token } = await client.tokens.put(fieldOf(form, "name"), { role, expires });
      setIssued(token);
      form.reset();
      onDone();
    } catch (cause) {
      setError(asError(cause));
    }
  };
  return (
    <>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label>
          Name <input name="name" required pattern="[A-Za-z0-9._@\-]{1,64}" />
        </label>
        <label>
          Role{" "}
          <select name="role">
            {roles.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </label>
        <label>
          Expires <input name="expires" type="date" />
        </label>
        <button type="submit">Issue</button>
      </form>
      <Problem error={error} />
      {issued !== undefined && (
        <div class="notice" role="status">
          The token, which is not shown again: <code>{issued}</code> <Copy text={issued}>Copy</Copy>
        </div>
      )}
    </>
  );
};

/** Tokens of the API, for admins. */
export const TokensPage = () => {
  const { client } = useSession();
  const { value, error, reload } = useLoaded(
    async (signal) => await client.tokens.list({ signal }).page({ limit: pageSize }),
    [],
  );
  const columns: readonly Column<Token>[] = [
    { title: "Name", cell: ({ name }) => name },
    { title: "Role", cell: ({ role }) => role },
    { title: "Expires", cell: ({ expires }) => expires ?? "never" },
    { title: "Issued", cell: ({ created }) => <Ago time={created} /> },
    {
      title: "Actions",
      cell: ({ name }) => (
        <Action
          label="Delete"
          isDangerous
          question={`Delete the token of ${name}? It stops working within a minute.`}
          act={async () => {
            await client.tokens.delete(name);
            reload();
          }}
        />
      ),
    },
  ];
  return (
    <>
      <h1>Tokens</h1>
      <Issue onDone={reload} />
      <Problem error={error} />
      {value?.items.length === 0 && <p class="caption">None was issued yet.</p>}
      {value !== undefined && value.items.length > 0 && (
        <Table label="Tokens" columns={columns} items={value.items} keyOf={({ name }) => name} />
      )}
    </>
  );
};
