import { SegmentTable } from "../../../../worker/job/tables/segments.ts";
import { specOf, type MeasuredJob } from "./job.ts";

const [maps, reduces] = [4096, 4000];

/** Adds the index of this many maps. */
export const fillIndex = async (job: MeasuredJob, count: number): Promise<void> => {
  await job.create(specOf({ nReducers: reduces }), Infinity);
  const table = new SegmentTable(job.storage.sql);
  const lengths = Array.from({ length: reduces }, () => 1000);
  const first = Number(job.storage.sql.exec("SELECT count(*) AS maps FROM segment WHERE chunk = 0").one()["maps"]);
  job.storage.transactionSync(() => {
    for (let map = first; map < first + count; map++) {
      const attempt = `01900000-0000-7000-8000-000000000000-m-${map}-1`;
      table.save(map, attempt, { path: `http://store/out/.edgefold/${attempt}`, lengths, largestBlock: 65_536 });
    }
  });
};

/** Reads what this many reduces need. */
export const readIndex = (job: MeasuredJob, times: number): void => {
  const table = new SegmentTable(job.storage.sql);
  for (let n = 0; n < times; n++) {
    const { segments } = table.read(Math.floor((n * reduces) / times), 0, maps);
    if (segments.length !== maps) throw new Error(`a reduce finds ${segments.length} segments`);
  }
};
