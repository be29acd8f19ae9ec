/** Numbers as people read them. */

const units = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

/** Bytes in decimal units, with three digits at most: `12.3 MB`. */
export const showBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
};

export const showCount = (count: number): string => count.toLocaleString("en-US");

const parts = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
] as const;

/** A length of time: `0.4s`, `12s`, `3m 20s`, `2d 4h`. */
export const showDuration = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  let rest = Math.round(seconds);
  const shown: string[] = [];
  for (const [name, size] of parts) {
    if (rest < size && shown.length === 0) continue;
    shown.push(`${Math.floor(rest / size)}${name}`);
    rest %= size;
  }
  shown.push(`${rest}s`);
  return shown
    .slice(0, 2)
    .filter((part, index) => index === 0 || !part.startsWith("0"))
    .join(" ");
};

const two = (value: number): string => String(value).padStart(2, "0");

/** A moment in the local time zone, `2026-11-29 16:07:51`, or in UTC, `2026-11-29 15:07:51 UTC`. */
export const showTime = (ms: number, isUtc = false): string => {
  const date = new Date(ms);
  if (isUtc) return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * Reads a moment: how long ago (`90m`, `1d`), or a date and time.
 * @returns ms since 1970; undefined where it is neither
 */
export const parseMoment = (text: string, now: number): number | undefined => {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return Math.round(now - Number(amount) * (unitMs[unit] ?? 0));
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
};
