/** A figure that is compared with nothing but its goal. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The most that it is to be; none where the figure has no goal. */
  readonly goal?: number;
};

/** The value below which a part of all lie, such as 0.99 of them. NaN of none. */
export const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
};
