import { useEffect, useState } from "preact/hooks";
import { showTime } from "../../show/quantity.ts";

/** The present, in ms since 1970, every second: what shows it is drawn again. */
export const useNow = (): number => {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
};

const key = "edgefold-utc";

/** Whether times are shown in UTC, which the user has chosen for this browser. */
export const isUtc = (): boolean => localStorage.getItem(key) === "yes";

export const setUtc = (utc: boolean): void => {
  localStorage.setItem(key, utc ? "yes" : "no");
  dispatchEvent(new Event("edgefold-clock"));
};

/** A moment, exactly, in the zone that the user has chosen. */
export const exactTime = (ms: number): string => showTime(ms, isUtc());

/**
 * When a day begins, where the user is or in UTC, as times are shown; in ms since 1970.
 *
 * @param day such as `2026-11-29`; undefined for any other text
 * @param later that many days later
 */
export const dayStart = (day: string | undefined, later = 0): number | undefined => {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? "") ?? [];
  if (year === undefined) return undefined;
  const parts = [Number(year), Number(month) - 1, Number(date) + later] as const;
  return isUtc() ? Date.UTC(...parts) : new Date(...parts).getTime();
};
