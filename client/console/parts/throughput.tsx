import { useEffect, useRef } from "preact/hooks";
import { useDark } from "../data/dark.ts";
import { ratesOf } from "../data/rates.ts";
import { useLoaded } from "../data/loaded.ts";
import type { JournalEvent } from "../../sdk/index.ts";
import { showBytes, showCount } from "../../show/quantity.ts";

/** How fast a job reads, over time. */
export const Throughput = ({ events }: { readonly events: readonly JournalEvent[] }) => {
  const box = useRef<HTMLDivElement>(null);
  const { times, records, bytes } = ratesOf(events);
  const last = times.at(-1);
  const isDark = useDark();
  // Loaded where something is drawn.
  const { value: uPlot } = useLoaded(async () => (await import("uplot")).default, []);
  useEffect(() => {
    const element = box.current;
    if (element === null || uPlot === undefined || times.length < 2) return undefined;
    const style = getComputedStyle(element);
    const [ink, accent, other] = ["--quiet", "--accent", "--state-completed"].map((name) =>
      style.getPropertyValue(name),
    );
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line"), width: 1 } } as const;
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 140,
        legend: { show: false },
        cursor: { show: false },
        scales: { records: { range: (_, __, max) => [0, max || 1] }, bytes: { range: (_, __, max) => [0, max || 1] } },
        axes: [
          axis,
          { ...axis, scale: "records", size: 70, values: (_, ticks) => ticks.map((tick) => showCount(tick)) },
          {
            ...axis,
            scale: "bytes",
            side: 1,
            size: 70,
            grid: { show: false },
            values: (_, ticks) => ticks.map(showBytes),
          },
        ],
        series: [
          {},
          { scale: "records", width: 1.5, ...(accent === undefined ? {} : { stroke: accent }) },
          { scale: "bytes", width: 1.5, dash: [4, 3], ...(other === undefined ? {} : { stroke: other }) },
        ],
      },
      [times, records, bytes],
      element,
    );
    return () => plot.destroy();
  }, [last, uPlot, isDark]);
  if (times.length < 2 || Math.max(...bytes) === 0) return <p class="caption">There is too little to draw yet.</p>;
  const peak = Math.max(...records);
  return (
    <>
      <p class="caption">
        Records a second (solid, left) and bytes a second (dashed, right); at most {showCount(Math.round(peak))} records
        a second.
      </p>
      <div ref={box} class="chart" role="img" aria-label={`Throughput, at most ${Math.round(peak)} records a second`} />
    </>
  );
};
