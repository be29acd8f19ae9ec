import type { Env } from "./env.ts";

/** Days for which ended jobs are kept, where none are configured. */
const defaultDays = "30";

/** The most that can be configured: 100 years. */
const maxDays = 36_500;

const dayMs = 24 * 60 * 60 * 1000;

/** What `JOB_RETENTION_DAYS` must be. */
export const retentionRule = `JOB_RETENTION_DAYS must be a whole number of days, from 1 to ${maxDays}`;

/** How long an ended job is kept, from its end, in ms; undefined where what is configured is no such time. */
export const retentionMs = ({ JOB_RETENTION_DAYS }: Env): number | undefined => {
  const text = (JOB_RETENTION_DAYS ?? "").trim() || defaultDays;
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return days >= 1 && days <= maxDays ? days * dayMs : undefined;
};
