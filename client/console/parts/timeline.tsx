import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { showDuration } from "../../show/quantity.ts";
import { barsOf, type Bar } from "../data/bars.ts";
import { useDark } from "../data/dark.ts";
import { useLoaded } from "../data/loaded.ts";
import { useSession } from "../data/session.ts";
import { useWidth } from "../data/width.ts";
import { sizeCanvas } from "./size-canvas.ts";

/** Tasks that are drawn: those that have started last. */
const most = 1000;

/** Tasks of which all attempts are asked for. */
const mostAgain = 30;
const laneHeight = 14;

type TimelineProps = { readonly job: string; readonly isOver: boolean; readonly onPick: (task: string) => void };

/** What each runner did when: gaps, stragglers and waves are to be seen. */
export const Timeline = ({ job, isOver, onPick }: TimelineProps) => {
  const { client } = useSession();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { frame, width } = useWidth();
  const isDark = useDark();
  const [pointed, setPointed] = useState<Bar>();
  const { value, at } = useLoaded(
    async (signal) => {
      const { items } = await client.tasks.list(job, { sort: "-startTime" }, { signal }).page({ limit: most });
      const again = new Set(items.filter(({ attempt }) => attempt > 1).slice(0, mostAgain));
      return await Promise.all(
        items.map(async (task) =>
          again.has(task)
            ? { task, attempts: (await client.attempts.list(job, task.id, { signal }).page({ limit: 20 })).items }
            : { task },
        ),
      );
    },
    [job],
    isOver ? undefined : 3000,
  );
  const { bars, runners } = useMemo(() => barsOf(job, value ?? [], at ?? Date.now()), [job, value, at]);
  const [from, to] = [Math.min(...bars.map((bar) => bar.from)), Math.max(...bars.map((bar) => bar.to))];
  const x = (time: number): number => ((time - from) / Math.max(1, to - from)) * width;
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = sizeCanvas(canvas.current, width, runners.length * laneHeight);
    if (context === null) return;
    const style = getComputedStyle(canvas.current);
    for (const bar of bars) {
      context.fillStyle = style.getPropertyValue(`--state-${bar.status}`);
      context.fillRect(
        x(bar.from),
        bar.lane * laneHeight + 2,
        Math.max(1, x(bar.to) - x(bar.from) - 0.5),
        laneHeight - 4,
      );
    }
  }, [bars, runners, width, isDark]);
  const barAt = (event: MouseEvent): Bar | undefined => {
    const lane = Math.floor(event.offsetY / laneHeight);
    return bars.findLast((bar) => bar.lane === lane && x(bar.from) <= event.offsetX && event.offsetX <= x(bar.to) + 1);
  };
  if (value !== undefined && bars.length === 0) return <p class="caption">No task has started yet.</p>;
  return (
    <div class="timeline">
      <p class="caption">
        {runners.length} {runners.length === 1 ? "runner" : "runners"} over{" "}
        {Number.isFinite(from) ? showDuration(to - from) : "…"}
        <span class="pointed" aria-hidden="true">
          {pointed !== undefined &&
            `${pointed.name}, ${showDuration(pointed.to - pointed.from)} on ${runners[pointed.lane]}`}
        </span>
      </p>
      <div ref={frame}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${bars.length} attempts by runner. The table has the tasks.`}
          onMouseMove={(event) => setPointed(barAt(event))}
          onMouseLeave={() => setPointed(undefined)}
          onClick={(event) => {
            const bar = barAt(event);
            if (bar !== undefined) onPick(bar.name.split(",")[0] ?? "");
          }}
        />
      </div>
    </div>
  );
};
