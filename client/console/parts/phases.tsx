import type { JournalEvent } from "../../sdk/index.ts";
import { showDuration } from "../../show/quantity.ts";
import { useNow } from "../data/clock.ts";
import { phasesOf } from "../data/phases.ts";

/** The phases that a job went through, as long as they took. */
export const PhaseBar = ({ events }: { readonly events: readonly JournalEvent[] }) => {
  const phases = phasesOf(events, useNow());
  const total = phases.reduce((sum, { ms }) => sum + ms, 0);
  if (total === 0) return null;
  let before = 0;
  return (
    <div class="phases">
      <svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
        {phases.map(({ name, ms }, index) => {
          const x = (before / total) * 1000;
          before += ms;
          return (
            <rect
              key={index}
              class={`phase phase-${name}`}
              x={x}
              width={Math.max(2, (ms / total) * 1000 - 2)}
              height="10"
            />
          );
        })}
      </svg>
      <ol>
        {phases.map(({ name, ms }, index) => (
          <li key={index}>
            <span class={`key phase-${name}`} aria-hidden="true" />
            {name} <span class="number">{showDuration(ms)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
};
