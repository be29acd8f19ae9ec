import { useState } from "preact/hooks";
import type { Artifact } from "../../sdk/index.ts";
import { asError } from "../data/as-error.ts";
import { useSession } from "../data/session.ts";
import { Problem } from "./basics.tsx";

const typeNames: Readonly<Record<Artifact["type"], string>> = {
  executable: "an executable",
  module: "a module",
  wasm: "a program in WebAssembly",
  file: "a file",
  archive: "an archive",
};

/** Takes files that are dropped or chosen, and uploads them as artifacts. */
export const Upload = ({ onDone }: { readonly onDone: () => void }) => {
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
        setSaid(`${name} is there, as ${typeNames[type]}.`);
        onDone();
      }
    } catch (cause) {
      setSaid("");
      setError(asError(cause));
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
