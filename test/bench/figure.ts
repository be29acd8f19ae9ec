/** A figure that is only compared with its goal. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The upper limit to meet; undefined if there is no goal. */
  readonly goal?: number;
};

/** The given quantile of the values, such as 0.99. NaN for none. */
export const percentile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
};
