import { z } from "zod";
import { refusedHost } from "../ip-address.ts";

/** The notification of a job's end. */

/** Why nobody can be notified at a URL; undefined where somebody may be. Repeats nothing of the URL but its host. */
const urlIssue = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "must be a URL that begins with https:// or http://";
  if (url.username !== "" || url.password !== "") return "must not hold a user name or a password";
  const refused = refusedHost(url.hostname);
  return refused && `must name a receiver, which ${url.hostname} cannot be: it is ${refused}`;
};

export const NotifySchema = z
  .strictObject({
    url: z
      .string()
      .max(4096)
      .superRefine((text, context) => {
        const message = urlIssue(text);
        if (message !== undefined) context.addIssue({ code: "custom", message });
      })
      .meta({ pattern: "^[Hh][Tt][Tt][Pp][Ss]?://" })
      .describe("Where a POST with the job is sent when it has ended. Kept as credentials are, and never shown."),
  })
  .meta({ id: "Notify" });

export const notificationStatuses = ["waiting", "delivered", "given-up"] as const;

export const NotificationSchema = z
  .object({
    status: z
      .enum(notificationStatuses)
      .describe("waiting: for the job's end, or for the next try. given-up: it is not tried any more."),
    attempts: z.int().nonnegative().describe("Tries so far"),
    lastError: z.string().nullable().describe("Why the last try failed"),
  })
  .meta({ id: "Notification" });
export type Notification = z.infer<typeof NotificationSchema>;

export const NotificationKeySchema = z
  .object({
    keys: z
      .array(z.string())
      .describe(
        "Each notification is signed with each of these: with two while SECRET_KEY is being changed, else with one",
      ),
  })
  .meta({ id: "NotificationKey" });
