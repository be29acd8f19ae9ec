import { watchUrl } from "../contracts.ts";
import { Inbox } from "../http/inbox.ts";
import { ProblemError } from "../http/problems.ts";
import { param, type Call } from "../http/resource.ts";
import { askJob } from "./ask-job.ts";

/**
 * Has the job that the path names send what is new of a topic: its `events`, or the log of the attempt of that id. It ceases to
 * when the client has gone, which the platform may notice only when something is sent to it.
 * @throws ProblemError 404 where there is no such job, 429 where too many watch it
 */
export const watchJob = async (call: Call, topic: string): Promise<Inbox> => {
  const { status, webSocket } = await askJob(call, async (job) => {
    const answer = await job.fetch(watchUrl(topic), { headers: { Upgrade: "websocket" } });
    return answer.status === 404 ? null : answer;
  });
  if (status === 429) {
    throw new ProblemError("too-many-watchers", `Too many watch job ${param(call, "id")}. Try again later.`, {
      headers: { "Retry-After": "60" },
    });
  }
  const inbox = new Inbox(webSocket);
  call.request.signal.addEventListener("abort", () => inbox.close());
  return inbox;
};
