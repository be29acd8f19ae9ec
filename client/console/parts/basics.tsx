import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { showDuration } from "../../show/quantity.ts";
import { exactTime, useNow } from "../data/clock.ts";

/** The smallest parts of pages. */

/** The marks of statuses, so that they differ for those who see no colours, too. */
const marks: Readonly<Record<string, string>> = {
  completed: "✓",
  won: "✓",
  failed: "✕",
  lost: "!",
  stopped: "■",
  superseded: "–",
  scheduled: "○",
  pending: "○",
};

export const Status = ({ status }: { readonly status: string }) => (
  <span class={`status status-${status}`}>
    <span aria-hidden="true">{marks[status] ?? "●"}</span> {status}
  </span>
);

/** How long ago something was; the exact time on hover. */
export const Ago = ({ time }: { readonly time: number }) => {
  const now = useNow();
  const ago = now - time;
  return (
    <time dateTime={new Date(time).toISOString()} title={exactTime(time)}>
      {ago < 5000
        ? "just now"
        : ago < 60_000
          ? `${Math.round(ago / 1000)}s ago`
          : `${showDuration(ago).split(" ")[0]} ago`}
    </time>
  );
};

/** How long something took, or has been going on. */
export const Took = ({ from, to }: { readonly from: number; readonly to: number | null }) => {
  const now = useNow();
  return <span class="number">{showDuration((to ?? now) - from)}</span>;
};

type ProgressProps = {
  readonly total: number;
  readonly completed: number;
  readonly failed: number;
  readonly label: string;
};

export const ProgressBar = ({ total, completed, failed, label }: ProgressProps) => {
  const share = (count: number): string => `${total === 0 ? 0 : (count / total) * 100}`;
  return (
    <svg class="bar" role="img" aria-label={label} viewBox="0 0 100 4" preserveAspectRatio="none">
      <rect class="bar-done" width={share(completed)} height="4" />
      <rect class="bar-failed" x={share(completed)} width={share(failed)} height="4" />
    </svg>
  );
};

export const Problem = ({ error }: { readonly error: Error | undefined }) =>
  error === undefined ? null : (
    <p class="problem" role="alert">
      {error.message}
    </p>
  );

/** Copies a text. */
export const Copy = ({ text, children }: { readonly text: string; readonly children: ComponentChildren }) => {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()} title={text}>
      {isCopied ? "Copied" : children}
    </button>
  );
};

type SectionProps = {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
};

export const Section = ({ title, aside, children }: SectionProps) => (
  <section class="section">
    <header>
      <h2>{title}</h2>
      {aside}
    </header>
    {children}
  </section>
);

/** Names and values; those without a value are left out. */
export const Facts = ({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren])[] }) => (
  <dl class="facts">
    {facts
      .filter(([, value]) => value !== undefined && value !== null && value !== "")
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);

/** What a form's field holds, as text. */
export const fieldOf = (form: HTMLFormElement, name: string): string => {
  const value = new FormData(form).get(name);
  return typeof value === "string" ? value : "";
};
