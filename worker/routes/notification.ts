import type { JobRequest } from "../../shared/api/job-request.ts";
import { NotificationKeySchema } from "../../shared/api/notification.ts";
import { isLoopbackHost } from "../../shared/ip-address.ts";
import { readConfiguration } from "../configuration.ts";
import type { Env } from "../env.ts";
import { jsonAnswer, refTo } from "../http/operation.ts";
import { invalidRequest } from "../http/problems.ts";
import type { ResourceGroup } from "../http/resource.ts";
import { jsonResponse } from "../http/responses.ts";
import { notificationKeys } from "../secrets/notification-keys.ts";

/** Notifications of jobs' ends. */

/** Refuses to notify the Worker's own machine, except in development. @throws ProblemError 400 */
export const requireReachable = (env: Env, { notify }: JobRequest): void => {
  if (notify === undefined || readConfiguration(env).open || !isLoopbackHost(new URL(notify.url).hostname)) return;
  const message = "must name a receiver that the Worker can reach; this host is the Worker's own machine";
  throw invalidRequest([{ field: "notify.url", message }]);
};

export const notificationGroup: ResourceGroup = {
  tag: "notifications",
  description: "What is sent when a job has ended (`notify` of a job's request)",
  resources: [
    {
      path: "/api/v1/notification-key",
      audience: "api",
      methods: {
        GET: {
          role: "admin",
          operation: {
            id: "getNotificationKey",
            summary: "Get the key that notifications are signed with",
            responses: { "200": jsonAnswer("The keys", refTo(NotificationKeySchema)) },
          },
          handle: async ({ env }) => jsonResponse(JSON.stringify({ keys: await notificationKeys(env) })),
        },
      },
    },
  ],
};
