import { useRef, useState } from "preact/hooks";
import { asError } from "../data/as-error.ts";

type ActionProps = {
  readonly label: string;
  /** What is asked before it is done; none where it can be undone. */
  readonly question?: string;
  readonly isDangerous?: boolean;
  readonly act: () => Promise<void>;
};

/** A button that does something on the server, once, and says why it could not. */
export const Action = ({ label, question, isDangerous = false, act }: ActionProps) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
      dialog.current?.close();
    } catch (error) {
      setProblem(asError(error).message);
    } finally {
      setBusy(false);
    }
  };
  const style = isDangerous ? "danger" : "";
  return (
    <>
      <button
        type="button"
        class={style}
        disabled={isBusy}
        onClick={() => (question === undefined ? void run() : dialog.current?.showModal())}
      >
        {label}
      </button>
      {question === undefined && problem !== undefined && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
      {question !== undefined && (
        <dialog ref={dialog} aria-label={label}>
          <p>{question}</p>
          {problem !== undefined && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
          <div class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="button" class={style} disabled={isBusy} onClick={() => void run()}>
              {label}
            </button>
          </div>
        </dialog>
      )}
    </>
  );
};
