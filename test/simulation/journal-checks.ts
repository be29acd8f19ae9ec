type Query = (query: string) => readonly Record<string, SqlStorageValue>[];

/** The job's statuses according to its journal. */
export const toldStatuses = (query: Query): unknown[] =>
  query("SELECT event ->> '$.status' AS status FROM journal WHERE event ->> '$.kind' = 'job' ORDER BY id").map(
    ({ status }) => status,
  );

/** The errors in the journal of a job whose events are all recorded. */
export const journalFaults = (query: Query): string[] => {
  const faults: string[] = [];
  const statuses = toldStatuses(query);
  if (statuses.some((status, i) => status === statuses[i - 1])) {
    faults.push(`a status is told that is none: ${statuses.join(" ")}`);
  }
  const untold = query(
    `SELECT id FROM attempt WHERE outcome IN ('failed', 'lost') AND id NOT IN (
       SELECT concat(event ->> '$.task', '-', event ->> '$.attempt') FROM journal WHERE event ->> '$.change' = outcome)`,
  );
  for (const row of untold) faults.push(`the end of an attempt is not told: ${JSON.stringify(row)}`);
  const [numbers] = query(
    `SELECT count(*) AS events, count(DISTINCT id) AS numbers, max(id) AS last
     FROM (SELECT id FROM journal UNION ALL SELECT id FROM progress)`,
  );
  if (numbers?.["events"] !== numbers?.["numbers"] || numbers?.["events"] !== numbers?.["last"]) {
    faults.push(`the events are not numbered one after another: ${JSON.stringify(numbers)}`);
  }
  return faults;
};
