import { quietAfter, type Given } from "./options.ts";

/** A guard of the job, and its code without the guard. The simulation must notice that the guard is missing. */
export type Guard = {
  readonly name: string;
  /** The end of the file's path. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly without: string;
  /** The schedules in which the guard matters most, since they seldom occur by chance. */
  readonly under?: Given;
  /** The number of schedules among which its absence shows, if it seldom does. */
  readonly schedules?: number;
  /** A schedule in which it has shown, to be tried first: as long as nothing else changes, it shows there again. */
  readonly seed: number;
};

const job = "worker/job/object.ts";
const leases = "worker/job/timers/leases.ts";
const notification = "worker/job/notification.ts";
const outbox = "worker/platform/outbox.ts";
const registryJobs = "worker/registry/jobs.ts";
const reservations = "worker/registry/reservations.ts";

/** A single job that starts from nothing and that its cluster accepts: here, rare faults show most often. */
const oneJob: Given = { jobs: 1, isUpgrade: false, isOldAgent: false, blockedUntil: 0, refusedAfter: undefined };

/** Calls overtaken by later ones, from objects that have died meanwhile. */
const overtaking: Given = {
  slowestCall: 60_000,
  slowestCreation: 1000,
  crash: 0.05,
  call: 0,
  faultEvery: 1500,
  faultsFor: 120_000,
};

/** A job that waits for room in its cluster while much is reported about it. */
const blocked: Given = {
  jobs: 1,
  blockedUntil: quietAfter + 60_000,
  troubles: 20,
  refusedAfter: undefined,
  stopAfter: undefined,
  deserted: undefined,
  deadlineSeconds: undefined,
  faultEvery: 1500,
  faultsFor: 60_000,
};

/** A job whose reducer is broken until it is resumed. */
const failing: Given = {
  ...oneJob,
  broken: "reduce",
  keepFailedSeconds: 3600,
  resumptions: 4,
  resumeEvery: 30_000,
  stopAfter: undefined,
  deserted: undefined,
  deadlineSeconds: undefined,
};

export const guards: readonly Guard[] = [
  {
    name: "the fence: only a live attempt changes its task",
    seed: 2,
    file: "shared/engine/attempts.ts",
    text: 'attempt.status === "live" && task.status === "in-progress";',
    without: "true;",
  },
  {
    name: "the fence: what a stale runner completes is refused",
    seed: 28,
    file: "worker/job/runners/exchange.ts",
    text: 'found !== undefined && (found.attempt.status === "live" || found.attempt.status === "revoked");',
    without: "found !== undefined;",
  },
  {
    name: "the lost lease: an attempt whose runner is silent is given to another",
    seed: 27,
    file: leases,
    text: 'session.apply(lose(session.job, task, attempt, reason, now, "silent"));',
    without: "",
  },
  {
    name: "the lease after a crash: nobody has seen when the connection went down",
    seed: 127,
    file: leases,
    text: "contact === undefined && isLinked",
    without: "false",
    under: { ...oneJob, slowSteps: 0.3, faultEvery: 3000, faultsFor: 90_000, crash: 0 },
  },
  {
    name: "the lease after a close: it begins anew",
    seed: 33,
    file: job,
    text: "const until = session.now + session.leaseMs;",
    without: "const until = session.now;",
  },
  {
    name: "the verdict on a loss: it is charged once",
    seed: 719,
    file: "shared/engine/explain-loss.ts",
    text: "task.lost.filter((other) => other !== attempt.id)",
    without: "task.lost",
    under: { evictions: 20, maxAttempts: 30, call: 0.1 },
  },
  {
    name: "the commit barrier: _SUCCESS comes after all commits",
    seed: 31,
    file: "shared/engine/stages.ts",
    text: "commits.completed < commits.total;",
    without: "commits.completed === 0 && commits.total > 0;",
  },
  {
    name: "the map barrier: reduces come after all maps",
    seed: 2,
    file: "shared/engine/phases.ts",
    text: 'job.status === "mapping" && isThrough(job.maps) && !job.mapOnly',
    without: 'job.status === "mapping" && job.maps.completed + job.maps.running >= job.maps.total && !job.mapOnly',
  },
  {
    name: "a commit that has lost uploads is not completed",
    seed: 330,
    file: "worker/job/runners/commit.ts",
    text: "if (lost.length > 0) return false;",
    without: "if (lost.length > 1000) return false;",
  },
  {
    name: "a map output that is lost is made again",
    seed: 13,
    file: "worker/job/runners/finish.ts",
    text: "session.apply(again);",
    without: "",
  },
  {
    name: "an output that was made anew is not lost by news of the old one",
    seed: 848,
    file: "shared/engine/lose-output.ts",
    text: 'if (!needed || task.status !== "completed" || task.winner !== attempt.id) return undefined;',
    without: 'if (!needed || task.status !== "completed") return undefined;',
    under: { ...oneJob, maps: 5, reducers: 3, capacity: 4, slowestAnswer: 3000, faultEvery: 1000 },
  },
  {
    name: "the counters of a lost output are taken back",
    seed: 13,
    file: "shared/engine/lose-output.ts",
    text: "counters: addCounters(job.counters, negatedCounters(task.counters)),",
    without: "",
  },
  {
    name: "the outbox: what could not be told is told again",
    seed: 3,
    file: outbox,
    text: "told = { due: Date.now() + delay(tries), tries: tries + 1 };",
    without: "told = { due: null, tries: 0 };",
  },
  {
    name: "the outbox: what changes while something is told is told, too",
    seed: 1,
    file: outbox,
    text: "if (this.#table().get(target) === sent) this.#save",
    without: "this.#save",
  },
  {
    name: "an upload is noted also where its attempt was given up",
    seed: 25,
    file: "worker/job/runners/uploads.ts",
    text: 'if (status !== undefined && status !== "won") {',
    without: 'if (status === "live") {',
    under: { listsUploads: false, stopAfter: 10_000, faultEvery: 1500 },
  },
  {
    name: "the cleaning waits for every attempt that may still act",
    seed: 5510,
    file: "shared/engine/stages.ts",
    text: "runsAlone: true,",
    without: "runsAlone: false,",
    // A cut-off runner continues if its agent is not told for a long time that the job is over.
    under: {
      ...oneJob,
      maps: 12,
      reducers: 2,
      capacity: 4,
      failures: 0,
      deadlineSeconds: undefined,
      deserted: undefined,
      slowestAnswer: 300,
      slowestCall: 20_000,
      slowSteps: 0.1,
      stopAfter: 30_000,
      faultEvery: 2500,
      faultsFor: 60_000,
      cuts: 60,
      crash: 0,
      call: 0,
    },
    schedules: 20_000,
  },
  {
    name: "a runner that finds its job over is the last",
    seed: 5,
    file: "worker/cluster/object.ts",
    text: "if (isOver && !this.#wanted.isRemoval(jobId)) await this.remove(jobId);",
    without: "",
    under: { ...oneJob, slowestCall: 20_000, faultEvery: 1000, stopAfter: 25_000 },
  },
  {
    name: "a job whose attempts may have begun something is cleaned",
    seed: 1,
    file: "shared/engine/end.ts",
    text: "const touched = job.touched || job.open > 0;",
    without: "const touched = job.touched && job.maps.total > 1;",
  },
  {
    name: "a job that commits is not stopped any more",
    seed: 55,
    file: "shared/engine/stop.ts",
    text: 'if (job.status === "committing") return "committing";',
    without: "",
  },
  {
    name: "losses are bounded",
    seed: 207,
    file: "shared/engine/lose.ts",
    text: "(isExplicable ? task : charged).losses >= job.maxLosses",
    without: "false",
  },
  {
    name: "a loss that the cluster explains is not charged",
    seed: 25,
    file: "shared/engine/explain-loss.ts",
    text: "failure !== null || disrupted === true;",
    without: "failure !== null;",
    under: {
      ...oneJob,
      drains: 5000,
      maxLosses: 3,
      maps: 1,
      failures: 0,
      slowSteps: 0.5,
      faultEvery: 3000,
      faultsFor: 60_000,
    },
  },
  {
    name: "failures are bounded",
    seed: 4,
    file: "shared/engine/fail.ts",
    text: "if (error.final || charged.failures >= job.maxAttempts) {",
    without: "if (error.final) {",
  },
  {
    name: "a cleaning that hangs is given up",
    seed: 7,
    file: "worker/job/timers/cleaning.ts",
    text: 'clean === "waiting" && since !== null ? since + cleanLimit : undefined',
    without: "undefined",
  },
  {
    name: "credentials are erased",
    seed: 1,
    file: "worker/job/session.ts",
    text: "this.store.job.eraseSealed();",
    without: "",
  },
  {
    name: "the end of an attempt is told",
    seed: 2,
    file: "worker/job/session.ts",
    text: "if (end !== undefined) this.record(end);",
    without: "",
  },
  {
    name: "conditions: older ones never take the place of newer ones",
    seed: 8,
    file: "worker/job/reports.ts",
    text: "report.seq < session.job.reportSeq",
    without: "false",
    under: { ...blocked, ...overtaking },
  },
  {
    name: "a report is kept until the job has it",
    seed: 15,
    file: "worker/cluster/object.ts",
    text: `const isOver = await jobOf(this.env, jobId).report(reports);
    this.#loop.run(() => this.#reports.delivered(jobId, last.seq));`,
    without: `this.#loop.run(() => this.#reports.delivered(jobId, last.seq));
    const isOver = await jobOf(this.env, jobId).report(reports);`,
    under: { ...blocked, call: 0.2 },
  },
  {
    name: "a report that came during a delivery is delivered, too",
    seed: 11,
    file: "worker/cluster/reports.ts",
    text: '"DELETE FROM report WHERE job = ? AND seq <= ?", jobId, seq',
    without: '"DELETE FROM report WHERE job = ?", jobId',
    under: { ...blocked, slowestCall: 20_000 },
  },
  {
    name: "the agent repeats what the Worker could not store",
    seed: 2,
    file: "backend/agent/reports.ts",
    text: 'answer.kind === "error"',
    without: "false",
    under: { refusedAfter: 0, storage: 0.2, deserted: undefined, deadlineSeconds: undefined },
  },
  {
    name: "the lease of an attempt begins when it is claimed",
    seed: 94,
    file: "worker/job/runners/claim.ts",
    text: "store.attempts.add(assigned.attempt, now + session.leaseMs);",
    without: "store.attempts.add(assigned.attempt, now + 1000 * session.leaseMs);",
    under: { slowSteps: 0.3, faultEvery: 1500, faultsFor: 60_000 },
  },
  {
    name: "maps are created to the last one, page by page",
    seed: 2,
    file: "worker/job/creation.ts",
    text: "store.creation.set(next);",
    without: "store.creation.clear();",
    under: { maps: 5 },
  },
  {
    name: "the list: an older state of a job never takes the place of a newer one",
    seed: 33,
    file: registryJobs,
    text: "WHERE excluded.version >= job.version",
    without: "",
    under: overtaking,
  },
  {
    name: "a job holds its programs until it is released",
    seed: 2,
    file: registryJobs,
    text: "if (ended) unpin(sql, job.id, now);",
    without: "unpin(sql, job.id, now);",
  },
  {
    name: "a job lets go of its programs when it is released",
    seed: 1,
    file: registryJobs,
    text: "if (ended) unpin(sql, job.id, now);",
    without: "",
  },
  {
    name: "a content that a job holds is not deleted",
    seed: 1,
    file: "worker/registry/garbage.ts",
    text: " AND NOT EXISTS (SELECT 1 FROM pin WHERE key = ?1)",
    without: "",
    under: { replacedAfter: 5000 },
  },
  {
    name: "a job is not created after its reservation",
    seed: 9,
    file: job,
    text: "if (Date.now() >= before) return null;",
    without: "",
    under: { slowestCreation: 400_000 },
  },
  {
    name: "a job that exists keeps its reservation",
    seed: 1,
    file: reservations,
    text: "if (await exists(id)) noteExistence(sql, id);",
    without: "if (!(await exists(id))) noteExistence(sql, id);",
    under: { slowSteps: 0.3, call: 0.5, faultEvery: 3000, faultsFor: 200_000 },
  },
  {
    name: "a reservation is dropped whose job never came to be",
    seed: 1,
    file: reservations,
    text: "else storage.transactionSync(() => dropReservation(sql, id, now));",
    without: "else noteExistence(sql, id);",
    under: { call: 0.2 },
  },
  {
    name: "an object is erased when its job's retention is over",
    seed: 2,
    file: "worker/registry/retention.ts",
    text: 'sql.exec("INSERT OR IGNORE INTO leaving (id, due) VALUES (?, ?)", id, now);',
    without: "",
  },
  {
    name: "the index of the shuffle outlives an upgrade",
    seed: 6,
    file: "worker/job/schema.ts",
    text: "AND segments IS NOT NULL",
    without: "AND false",
    under: { isUpgrade: true, jobs: 3 },
  },
  {
    name: "what release 0.1.0 has stored is brought to today's tables",
    seed: 1,
    file: "worker/platform/migrations.ts",
    text: "return hasTable(sql, firstTable) ? 1 : 0;",
    without: "return 0;",
    under: { isUpgrade: true, jobs: 3 },
  },
  {
    name: "a task is in progress as long as one of its attempts is live",
    seed: 24,
    file: "shared/engine/reschedule.ts",
    text: "task.live > 0\n    ? { job, task }",
    without: "false\n    ? { job, task }",
  },
  {
    name: "what a failed job has computed is kept",
    seed: 3,
    file: "shared/engine/end.ts",
    text: 'status === "failed" && isWorthKeeping(job) ? "held" : ended',
    without: "ended",
    under: failing,
  },
  {
    name: "a held job is let go of in the end",
    seed: 4,
    file: "worker/job/timers/holding.ts",
    text: "isHeld(job) ? (job.heldUntil ?? undefined) : undefined",
    without: "undefined",
    under: failing,
  },
  {
    name: "what was made without a map that is tried again is made again",
    seed: 53,
    file: "shared/engine/resume.ts",
    text: 'again === "nothing" && hasTolerated(job) ? "outputs" : again',
    without: "again",
    under: { ...failing, broken: undefined, maxFailedMapsPercent: 34, failures: 0.1, finality: 0.5, maxAttempts: 1 },
  },
  {
    name: "a resumed job counts what its tasks have counted",
    seed: 5,
    file: "shared/engine/resume.ts",
    text: "addCounters(job.counters, negatedCounters(reduceCounters()))",
    without: "job.counters",
    under: { ...failing, broken: undefined, failures: 0.2, finality: 0.5, maxAttempts: 1, replaces: "reducer" },
  },
  {
    name: "a resumed job holds its new program",
    seed: 2,
    file: "worker/registry/uses.ts",
    text: "if (isOpen(sql, jobId)) pinUses(sql, jobId, found.uses);",
    without: "isOpen(sql, jobId);",
    under: { ...failing, replaces: "mapper", replacedAfter: 100_000 },
  },
  {
    name: "a notification that was not taken is sent again",
    seed: 2,
    file: notification,
    text: "store.notification.set({ ...row, due, error });",
    without: "store.notification.set({ ...row, due: null, error });",
    under: { ...oneJob, refusals: 1 },
  },
  {
    name: "a notification is sent again where its object died of it",
    seed: 6,
    file: notification,
    text: "due: now + patience",
    without: "due: null",
    under: { ...oneJob, refusals: 0, crash: 0.05 },
  },
  {
    name: "a notification that was delivered is not sent any more",
    seed: 1,
    file: notification,
    text: 'sealed, status: "delivered", due: null,',
    without: 'sealed, status: "delivered",',
    under: { ...oneJob, refusals: 0 },
  },
  {
    name: "the URL of a job that can be resumed is kept for its next end",
    seed: 3,
    file: notification,
    text: "isHeld(job) ? row.sealed : null",
    without: "null",
    under: { ...failing, refusals: 0 },
  },
  {
    name: "the URL of a job that cannot be resumed any more is erased",
    seed: 3,
    file: "worker/job/session.ts",
    text: "this.store.notification.dropUrl();",
    without: "this.store.notification.get();",
    under: { ...failing, refusals: 0 },
  },
  {
    name: "an end that a resumed job has told is not taken for its next one",
    seed: 32,
    file: "worker/job/notify.ts",
    text: "store.exists() && store.job.row().endedAt === endedAt",
    without: "store.exists()",
    under: { ...failing, refusals: 0 },
  },
];
