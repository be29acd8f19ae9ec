import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asError } from "./data/as-error.ts";
import { isUtc, setUtc } from "./data/clock.ts";
import { useLoaded } from "./data/loaded.ts";
import { routeTo } from "./data/address.ts";
import { useRoute } from "./data/route.ts";
import { isAdmin, mayChange, openSession, SessionContext, type Session } from "./data/session.ts";
import { ArtifactsPage } from "./pages/artifacts.tsx";
import { ClustersPage } from "./pages/clusters.tsx";
import { JobPage } from "./pages/job.tsx";
import { JobsPage } from "./pages/jobs.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TokensPage } from "./pages/tokens.tsx";
import { fieldOf, Problem } from "./parts/basics.tsx";

/** The form, which is loaded when it is asked for: with it comes the schema of jobs. */
const NewJob = ({ like }: { readonly like: string | undefined }) => {
  const { value, error } = useLoaded(async () => (await import("./pages/new-job.tsx")).default, []);
  return value === undefined ? <Problem error={error} /> : h(value, { like });
};

const Page = () => {
  const { path, query } = useRoute();
  const [section, id, below, task] = path;
  if (section === "new") return <NewJob key={query["like"]} like={query["like"]} />;
  if (section === "jobs" && id !== undefined && below === "tasks" && task !== undefined) {
    return <TaskPage key={`${id}/${task}`} job={id} name={task} />;
  }
  if (section === "jobs" && id !== undefined) return <JobPage key={id} id={id} />;
  if (section === "artifacts") return <ArtifactsPage />;
  if (section === "clusters") return <ClustersPage />;
  if (section === "tokens") return <TokensPage />;
  return <JobsPage />;
};

/** Keys that lead somewhere: pressed where nothing is typed. */
const keys = { j: "jobs", n: "new", a: "artifacts", c: "clusters" } as const;

const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA|DIALOG)$/.test(target.tagName);

const Help = () => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = Object.entries(keys).find(([key]) => key === event.key)?.[1];
      if (event.key === "?") dialog.current?.showModal();
      else if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>("main input")?.focus();
      } else if (page !== undefined) location.hash = routeTo([page]);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" class="quiet" onClick={() => dialog.current?.showModal()} aria-label="Keys">
        ?
      </button>
      <dialog ref={dialog} aria-label="Keys">
        <h2>Keys</h2>
        <dl class="facts">
          {Object.entries({
            j: "jobs",
            n: "a new job",
            a: "artifacts",
            c: "clusters",
            "/": "the first field",
            "?": "these keys",
            Esc: "close",
          }).map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
};

const titles = {
  jobs: "Jobs",
  new: "New job",
  artifacts: "Artifacts",
  clusters: "Clusters",
  tokens: "Tokens",
} as const;

const Frame = ({ session }: { readonly session: Session }) => {
  const [section = "jobs"] = useRoute().path;
  const [utc, setUtcShown] = useState(isUtc);
  const pages = (["jobs", "new", "artifacts", "clusters", "tokens"] as const).filter(
    (page) => (page !== "new" || mayChange(session)) && (page !== "tokens" || isAdmin(session)),
  );
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <strong>Edgefold</strong>
        <nav aria-label="Pages">
          {pages.map((page) => (
            <a key={page} href={routeTo([page])} aria-current={page === section ? "page" : undefined}>
              {titles[page]}
            </a>
          ))}
        </nav>
        <span class="who">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setUtc(!utc);
              setUtcShown(!utc);
            }}
          >
            {utc ? "UTC" : "local time"}
          </button>
          {session.isSignedIn && (
            <button type="button" class="quiet" onClick={session.signOut}>
              Sign out {session.me.name}
            </button>
          )}
          <Help />
        </span>
      </header>
      <main id="main" key={String(utc)} tabIndex={-1}>
        <Page />
      </main>
    </>
  );
};

const SignIn = ({ onSession }: { readonly onSession: (session: Session) => void }) => {
  const [error, setError] = useState<Error>();
  const submit = async (form: HTMLFormElement): Promise<void> => {
    try {
      const session = await openSession(fieldOf(form, "token"));
      if (session === undefined) setError(new Error("The server does not know this token."));
      else onSession(session);
    } catch (cause) {
      setError(asError(cause));
    }
  };
  return (
    <main class="sign-in">
      <h1>Edgefold</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label>
          Token <input name="token" type="password" required autocomplete="off" autofocus />
        </label>
        <button type="submit">Sign in</button>
      </form>
      <p class="caption">It is kept until this tab is closed.</p>
      <Problem error={error} />
    </main>
  );
};

export const App = () => {
  const [session, setSession] = useState<Session>();
  const [isAsked, setAsked] = useState(false);
  const [error, setError] = useState<Error>();
  useEffect(() => {
    openSession().then(
      (found) => {
        setSession(found);
        setAsked(true);
      },
      (cause: unknown) => setError(asError(cause)),
    );
  }, []);
  if (error !== undefined) return <Problem error={error} />;
  if (!isAsked) return null;
  if (session === undefined) return <SignIn onSession={setSession} />;
  return (
    <SessionContext.Provider value={session}>
      <Frame session={session} />
    </SessionContext.Provider>
  );
};
