import { resume, type MadeAgain } from "../../shared/engine/machine.ts";
import type { ResumeChange } from "../contracts.ts";
import { splitSecrets, type Sealed } from "./credentials.ts";
import { notificationFailed } from "./notification.ts";
import type { Session } from "./session.ts";
import { featuresOf, machineOptions, type JobSpec } from "./spec.ts";
import { credentialSecrets } from "./targets/pods.ts";

/** Fields that say how maps are made. With another one, what maps have made so far is not what the job asks for. */
const ofMaps: readonly string[] = ["mapperName", "mapperArgs", "combinerName", "combinerArgs"];

/** Fields that say how reduces are made. Those that concern maps, too, do so from now on: completed maps stay. */
const ofReduces: readonly string[] = [
  "reducerName",
  "reducerArgs",
  "environment",
  "secretEnvironment",
  "files",
  "archives",
];

const madeAgain = (changed: readonly string[], mapOnly: boolean): MadeAgain => {
  if (changed.some((field) => ofMaps.includes(field))) return "maps";
  return !mapOnly && changed.some((field) => ofReduces.includes(field)) ? "outputs" : "nothing";
};

const resumedSpec = (
  spec: JobSpec,
  { request, changed, programs, files, archives }: ResumeChange,
  now: number,
): JobSpec => {
  const { open, sealed } = splitSecrets(request);
  const kept = (spec.sealedFields ?? []).filter((field) => !changed.includes(field));
  const all = { ...spec.programs, ...programs };
  return {
    ...spec,
    request: open,
    sealedFields: [...new Set([...kept, ...sealed])],
    programs: { ...all, combiner: request.combinerName === undefined ? undefined : all.combiner },
    files: changed.includes("files") ? files : spec.files,
    archives: changed.includes("archives") ? archives : spec.archives,
    credentialSecrets: credentialSecrets(request.inputStorageCredentials, request.outputStorageCredentials),
    features: featuresOf(request),
    resumedAt: now,
  };
};

/** Takes up a held job. Where its end is notified, `sealed` has only if that is another place now. @returns whether it was held */
export const resumeJob = (session: Session, change: ResumeChange, sealed: Sealed): boolean => {
  const { store, job, now } = session;
  const again = madeAgain(change.changed, job.mapOnly);
  const resumed = resume(job, machineOptions(change.request), again, () => store.tasks.sumCounters("reduce"));
  if (resumed === undefined) return false;
  store.job.setSpec(resumedSpec(store.job.spec(), change, now));
  store.job.setSealed(sealed.secrets);
  if (sealed.notifyUrl !== null) store.notification.create(sealed.notifyUrl);
  else if (change.changed.includes("notify")) store.notification.remove();
  else store.notification.reset();
  session.dropCondition(notificationFailed);
  session.apply(resumed);
  return true;
};
