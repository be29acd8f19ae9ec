import type { AttemptRow, JobRow, TaskRow } from "../../shared/engine/machine.ts";
import { hasTable, migrate } from "../platform/migrations.ts";
import { jobSchema } from "./schema.ts";
import type { JobSpec } from "./spec.ts";
import { AttemptTable } from "./tables/attempts.ts";
import { ConditionTable } from "./tables/conditions.ts";
import { CreationTable } from "./tables/creation.ts";
import { JobTable } from "./tables/job.ts";
import { JournalTable } from "./tables/journal.ts";
import { NotificationTable } from "./tables/notification.ts";
import { PlannedInput } from "./tables/planned-input.ts";
import { SegmentTable } from "./tables/segments.ts";
import { TaskLists } from "./tables/task-lists.ts";
import { TaskTable } from "./tables/tasks.ts";
import { UploadTable } from "./tables/uploads.ts";

/** The tables of a JobObject. Whatever is written in one event is one transaction. */
export class JobStore {
  readonly job: JobTable;
  readonly tasks: TaskTable;
  readonly taskLists: TaskLists;
  readonly attempts: AttemptTable;
  readonly segments: SegmentTable;
  readonly uploads: UploadTable;
  readonly conditions: ConditionTable;
  readonly journal: JournalTable;
  readonly notification: NotificationTable;
  /** What a plan has listed so far. */
  readonly planned: PlannedInput;
  readonly creation: CreationTable;
  readonly #storage: DurableObjectStorage;
  /** Whether the job is known to be there; while false it has to be looked for. */
  #isCreated = false;

  constructor(storage: DurableObjectStorage) {
    const { sql } = storage;
    this.#storage = storage;
    this.job = new JobTable(sql);
    this.tasks = new TaskTable(sql);
    this.taskLists = new TaskLists(sql);
    this.attempts = new AttemptTable(sql);
    this.segments = new SegmentTable(sql);
    this.uploads = new UploadTable(sql);
    this.conditions = new ConditionTable(sql);
    this.journal = new JournalTable(sql);
    this.notification = new NotificationTable(sql);
    this.planned = new PlannedInput(sql);
    this.creation = new CreationTable(sql);
  }

  /** Whether the job was created; its tables are of the newest schema then. Creates no table. */
  exists(): boolean {
    if (!this.#isCreated && hasTable(this.#storage.sql, "job")) {
      migrate(this.#storage, jobSchema);
      this.#isCreated = true;
    }
    return this.#isCreated;
  }

  create(spec: JobSpec, row: JobRow): void {
    migrate(this.#storage, jobSchema);
    this.#isCreated = true;
    this.job.create(spec, row);
  }

  /** Drops what is kept in memory: a transaction was undone, or everything was deleted. */
  forget(): void {
    this.#isCreated = false;
    this.job.forget();
    this.tasks.forget();
    this.attempts.forget();
    this.segments.forget();
    this.journal.forget();
    this.creation.forget();
    this.notification.forget();
  }

  /** An attempt with its task. */
  attemptWithTask(id: string): { attempt: AttemptRow; task: TaskRow } | undefined {
    const attempt = this.attempts.get(id);
    return attempt && { attempt, task: this.tasks.get(attempt.kind, attempt.index) };
  }

  /** Deletes what nobody can see once the job is released: most of what a large job has stored. */
  deleteWork(): void {
    this.segments.clear();
    this.planned.clear();
    this.creation.clear();
    this.uploads.clear();
  }
}
