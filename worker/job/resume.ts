import { resume, type MadeAgain } from "../../shared/engine/machine.ts";
import type { ProgramRole } from "../../shared/protocol/tasks.ts";
import type { ResumeChange } from "../contracts.ts";
import { splitSecrets, type Sealed } from "./credentials.ts";
import { notificationFailed } from "./notification.ts";
import type { Session } from "./session.ts";
import { programsFor } from "./programs.ts";
import { featuresOf, machineOptions, pinnedAmong, type JobPrograms, type JobSpec } from "./spec.ts";
import { credentialSecrets } from "./targets/pods.ts";

/** Fields that say how maps are made. With another one, what maps have made so far is not what the job asks for. */
const ofMaps: readonly string[] = ["mapperName", "mapperArgs", "combinerName", "combinerArgs", "aggregate"];

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

/** Of a role whose name was sent, what was pinned for it now, if anything; of the others what the job has pinned before. */
const resumedPrograms = (spec: JobSpec, { request, changed, programs }: ResumeChange): JobPrograms => {
  const earlier = pinnedAmong(spec.programs);
  const pinnedFor = (role: ProgramRole) => (changed.includes(`${role}Name`) ? programs[role] : earlier[role]);
  return programsFor(request, {
    mapper: pinnedFor("mapper"),
    reducer: pinnedFor("reducer"),
    combiner: pinnedFor("combiner"),
  });
};

const resumedSpec = (spec: JobSpec, change: ResumeChange, now: number): JobSpec => {
  const { request, changed, files, archives } = change;
  const { open, sealed } = splitSecrets(request);
  const kept = (spec.sealedFields ?? []).filter((field) => !changed.includes(field));
  const programs = resumedPrograms(spec, change);
  return {
    ...spec,
    request: open,
    sealedFields: [...new Set([...kept, ...sealed])],
    programs,
    files: changed.includes("files") ? files : spec.files,
    archives: changed.includes("archives") ? archives : spec.archives,
    credentialSecrets: credentialSecrets(request.inputStorageCredentials, request.outputStorageCredentials),
    features: featuresOf(request, programs),
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
