/** Sides of a cell in CSS pixels, with the gap: the largest that fits is taken. */
const sizes = [14, 10, 7, 5, 4, 3, 2];
const mostHeight = 220;

export type Layout = { readonly size: number; readonly columns: number; readonly rows: number };

export const layOutGrid = (count: number, width: number): Layout => {
  for (const size of sizes) {
    const columns = Math.max(1, Math.floor(width / size));
    const rows = Math.ceil(count / columns);
    if (rows * size <= mostHeight || size === sizes.at(-1)) return { size, columns, rows };
  }
  return { size: 2, columns: width, rows: count };
};
