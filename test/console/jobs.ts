import type { Edgefold } from "../helpers/edgefold.ts";

/** Jobs in all the states that the console shows. */

export type ShownJobs = {
  readonly completed: string;
  readonly failed: string;
  readonly held: string;
  readonly stopped: string;
  readonly running: string;
  readonly hostile: string;
  /** Its second attempt of `m-0` has won. */
  readonly straggling: string;
};

/** Its first map hangs, but only in its first attempt. */
const straggling = `#!/bin/sh
case $EDGEFOLD_ATTEMPT_ID in *m-0-1) sleep 600 ;; esac
cat > /dev/null
`;

/** Text that does harm where it is taken for markup or code. */
export const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"'\u202e`;

const words = `#!/bin/sh
tr -cs '[:alpha:]' '\\n' | tr A-Z a-z | sed 's/$/\\t1/'
`;
const sum = `#!/bin/sh
awk -F '\\t' '$1 != key { if (NR > 1) print key "\\t" n; key = $1; n = 0 } { n += $2 } END { if (NR > 0) print key "\\t" n }'
`;
const broken = `#!/bin/sh
for n in $(seq 1 200); do echo "reading record $n" >&2; done
echo "Traceback (most recent call last):" >&2
echo "ValueError: column 7 of line 201 is no number: n/a" >&2
exit 1
`;
const hostileProgram = `#!/bin/sh
cat > /dev/null
echo 'reporter:counter:${hostile.replaceAll("'", `'"'"'`).replaceAll(",", " ")},x,1' >&2
echo '${hostile.replaceAll("'", `'"'"'`)}' >&2
exit 1
`;

export const startJobs = async (edgefold: Edgefold): Promise<ShownJobs> => {
  await edgefold.upload("words.sh", words);
  await edgefold.upload("sum.sh", sum);
  await edgefold.upload("broken.sh", broken);
  await edgefold.upload("hostile.sh", hostileProgram);
  await edgefold.upload("straggling.sh", straggling);
  await edgefold.upload("slow.sh", "#!/bin/sh\necho begun >&2\nsleep 600\n");
  const inputPath = await edgefold.put("data/text.txt", "the quick brown fox jumps over the lazy dog\n".repeat(20_000));
  const post = async (request: Record<string, unknown>): Promise<string> =>
    (await edgefold.post({ inputPath, ...request })).id;
  const reducing = {
    mapperName: "words.sh",
    combinerName: "sum.sh",
    reducerName: "sum.sh",
    nReducers: 3,
    splitSize: 40_000,
  };
  const completed = await post({
    ...reducing,
    name: "word count of the archive",
    tags: { team: "search", run: "nightly" },
  });
  await edgefold.completed(completed);
  const failed = await post({
    mapperName: "broken.sh",
    nReducers: 0,
    maxAttempts: 2,
    splitSize: 200_000,
    name: "parse sales",
  });
  await edgefold.ended(failed);
  const held = await post({
    ...reducing,
    reducerName: "broken.sh",
    maxAttempts: 1,
    keepFailedSeconds: 3600,
    name: "index",
  });
  await edgefold.ended(held);
  const straggler = await post({ mapperName: "straggling.sh", nReducers: 0, splitSize: 100_000, name: "thumbnails" });
  await edgefold.completed(straggler);
  const stopped = await post({ mapperName: "slow.sh", nReducers: 0, name: "crawl" });
  await edgefold.stopJob(stopped);
  await edgefold.ended(stopped);
  const evil = { name: hostile.slice(0, 190), tags: { evil: hostile.slice(0, 60) }, environment: { EVIL: hostile } };
  const hostileJob = await post({ mapperName: "hostile.sh", nReducers: 0, maxAttempts: 1, ...evil });
  await edgefold.ended(hostileJob);
  const running = await post({
    mapperName: "slow.sh",
    nReducers: 0,
    splitSize: 10_000,
    parallelism: 1,
    name: "long running crawl",
  });
  await edgefold.waitFor(running, ({ progress }) => progress.maps.running > 0);
  return { completed, failed, held, stopped, running, hostile: hostileJob, straggling: straggler };
};

/** The addresses of all pages. */
export const pagesOf = (jobs: ShownJobs): Readonly<Record<string, string>> => ({
  jobs: "#/jobs",
  completed: `#/jobs/${jobs.completed}`,
  failed: `#/jobs/${jobs.failed}`,
  held: `#/jobs/${jobs.held}`,
  running: `#/jobs/${jobs.running}`,
  hostile: `#/jobs/${jobs.hostile}`,
  straggling: `#/jobs/${jobs.straggling}`,
  task: `#/jobs/${jobs.failed}/tasks/m-0`,
  new: "#/new",
  artifacts: "#/artifacts",
  clusters: "#/clusters",
  tokens: "#/tokens",
});
