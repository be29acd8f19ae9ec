import type { ComponentChildren } from "preact";

export type Column<Item> = {
  readonly title: string;
  readonly cell: (item: Item) => ComponentChildren;
  /** `number`: to the right; `cut`: no wider than 150 px; `wide`: takes the room that is left, and is cut. */
  readonly kind?: "number" | "cut" | "wide" | "progress";
  /** The whole text of what is cut. */
  readonly hint?: (item: Item) => string;
};

type TableProps<Item> = {
  readonly label: string;
  readonly columns: readonly Column<Item>[];
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** Whether it scrolls by itself where it is long. */
  readonly isBounded?: boolean;
  readonly class?: string;
};

/** A table that scrolls sideways where it has no room. */
export const Table = <Item,>({
  label,
  columns,
  items,
  keyOf,
  isBounded = false,
  class: look = "",
}: TableProps<Item>) => (
  <div class={isBounded ? "scroll rows" : "scroll"} tabIndex={0} role="region" aria-label={label}>
    <table class={look}>
      <thead>
        <tr>
          {columns.map(({ title, kind = "" }) => (
            <th key={title} scope="col" class={kind === "number" ? kind : ""}>
              {title === "Actions" ? <span class="visually-hidden">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={keyOf(item)}>
            {columns.map(({ title, cell, kind = "", hint }) => (
              <td key={title} class={kind} title={hint?.(item)}>
                {cell(item)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
