import { useEffect, useRef, useState } from "preact/hooks";
import { statusLetters } from "../../../shared/status.ts";
import { layOutGrid, type Layout } from "../data/grid-layout.ts";
import { useDark } from "../data/dark.ts";
import { useWidth } from "../data/width.ts";
import { showCount } from "../../show/quantity.ts";
import { sizeCanvas } from "./size-canvas.ts";

/** All tasks of a kind at one glance: a cell each, as small as it takes. */

/** The statuses by their letters. */
const names: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(statusLetters).map(([status, letter]) => [letter, status]),
);

/** Draws cells by state: one path a state, as a fill costs more than a cell. */
const draw = (canvas: HTMLCanvasElement, states: string, { size, columns, rows }: Layout): void => {
  const context = sizeCanvas(canvas, columns * size, rows * size);
  if (context === null) return;
  const style = getComputedStyle(canvas);
  const side = size > 4 ? size - 2 : size > 2 ? size - 1 : size;
  for (const letter of Object.keys(names)) {
    context.fillStyle = style.getPropertyValue(`--state-${names[letter]}`);
    context.beginPath();
    for (let index = states.indexOf(letter); index !== -1; index = states.indexOf(letter, index + 1)) {
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      // Failed cells are cut at a corner, running ones are smaller: shapes, for those who see no colours.
      if (letter === "f" && side >= 5) {
        context.moveTo(x, y);
        context.lineTo(x + side, y);
        context.lineTo(x, y + side);
        context.closePath();
        context.rect(x, y, side / 3, side);
      } else if (letter === "r" && side >= 5) context.rect(x + side / 4, y + side / 4, side / 2, side / 2);
      else context.rect(x, y, side, side);
    }
    context.fill();
  }
};

type GridProps = {
  readonly kind: "m" | "r";
  readonly label: string;
  readonly states: string;
  readonly onPick: (task: string) => void;
};

export const TaskGrid = ({ kind, label, states, onPick }: GridProps) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { frame, width } = useWidth();
  const isDark = useDark();
  const [pointed, setPointed] = useState<number>();
  const layout = layOutGrid(states.length, width);
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const start = performance.now();
    draw(canvas.current, states, layout);
    performance.measure("grid", { start });
  }, [states, width, isDark]);
  const indexAt = (event: MouseEvent): number | undefined => {
    const column = Math.floor(event.offsetX / layout.size);
    const index = Math.floor(event.offsetY / layout.size) * layout.columns + column;
    return column < layout.columns && index < states.length ? index : undefined;
  };
  const counts = Object.entries(names).flatMap(([letter, name]) => {
    const count = states.split(letter).length - 1;
    return count === 0 ? [] : [`${showCount(count)} ${name}`];
  });
  return (
    <div class="grid">
      <p class="caption">
        {label}: {counts.join(", ")}
        <span class="pointed" aria-hidden="true">
          {pointed !== undefined && `${kind}-${pointed} ${names[states[pointed] ?? ""] ?? ""}`}
        </span>
      </p>
      <div ref={frame}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`${label}: ${counts.join(", ")}. The table below has each of them.`}
          onMouseMove={(event) => setPointed(indexAt(event))}
          onMouseLeave={() => setPointed(undefined)}
          onClick={(event) => {
            const index = indexAt(event);
            if (index !== undefined) onPick(`${kind}-${index}`);
          }}
        />
      </div>
    </div>
  );
};
