import type { BenchJob } from "./bench-job.ts";
import type { Input } from "./inputs.ts";
import { asShellWord, listDocuments, splitDocuments, splitWords, sumCounts } from "./programs.ts";

/** A bash command: what a user would type instead of the job. */
export type CommandPeer = {
  readonly kind: "command";
  readonly name: string;
  /**
   * Run with `LC_ALL=C` and `pipefail`. Reads `$INPUT`, a file or a folder with a trailing slash, or the same at the URL
   * `$ADDRESS`, and writes files `$OUTPUT/part-…`.
   */
  readonly script: string;
};

/** Another job. */
type JobPeer = {
  readonly kind: "job";
  readonly name: string;
  readonly job: BenchJob;
  /** @default that of the case */
  readonly input?: Input;
};

/** What a case is compared with, on the same machine in the same run. */
export type Peer = (CommandPeer | JobPeer) & {
  /** A bash command that succeeds if the peer is installed. @default it always is */
  readonly needs?: string;
};

const command = (name: string, script: string): CommandPeer => ({ kind: "command", name, script });

/**
 * A query of DuckDB, from Python. It gets as many threads as there are runners, and as much memory as `sort`.
 * @param query SQL whose only column is the output's lines; `lines` is a table with the input's, in the column `line`
 */
const duckdb = (query: string): Peer => ({
  ...command(
    "duckdb",
    `python3 - <<'PYTHON'
import os, duckdb
path, output = os.environ["INPUT"], os.environ["OUTPUT"]
files = path + "*" if path.endswith("/") else path
settings = {"threads": 2, "memory_limit": "2GB", "temp_directory": output + "/spill"}
# A delimiter that no line has, and no quotes, so that lines stay as they are.
read = "auto_detect = false, columns = {'line': 'VARCHAR'}, header = false, delim = '\\1', quote = '', escape = ''"
write = "FORMAT csv, HEADER false, DELIMITER '\\1', QUOTE '', ESCAPE ''"
duckdb.connect(config=settings).execute(f"""
COPY (WITH lines AS (FROM read_csv('{files}', {read})) ${query}) TO '{output}/part-0' ({write})
""")
PYTHON`,
  ),
  needs: "python3 -c 'import duckdb'",
});

/**
 * A query of Spark in one process, with the threads and the memory of the others.
 * @param query as for DuckDB
 */
const spark = (query: string): Peer => ({
  ...command(
    "spark",
    `cat > "$OUTPUT/query.py" <<'PYTHON'
import os
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.read.text("file://" + os.environ["INPUT"]).toDF("line").createTempView("lines")
spark.sql(r"""${query}""").write.text("file://" + os.environ["OUTPUT"] + "/spark")
PYTHON
spark-submit --master 'local[2]' --driver-memory 2g --conf spark.sql.shuffle.partitions=2 --conf spark.ui.enabled=false \
  "$OUTPUT/query.py" 2> "$OUTPUT/errors" || { cat "$OUTPUT/errors" >&2; exit 1; }
mv "$OUTPUT"/spark/part-* "$OUTPUT"`,
  ),
  needs: "command -v spark-submit",
});

const byKey = "sort -s -k1,1 --parallel=2 -S 2G";

/** Sorts lines `key TAB value` by key, and keeps the order of equal keys. */
export const sortByKey = command("sort", `${byKey} "$INPUT" > "$OUTPUT/part-0"`);

export const sortLines: readonly Peer[] = [
  command("sort", `sort --parallel=2 -S 2G "$INPUT" > "$OUTPUT/part-0"`),
  duckdb("SELECT line FROM lines ORDER BY line"),
  spark("SELECT line FROM lines ORDER BY line"),
];

/** Counts words in one process, in memory, and prints them in any order. */
const countWithMawk = `mawk '{ for (i = 1; i <= NF; i++) c[$i]++ } END { for (w in c) print w "\\t" c[w] }'`;

export const countWords: readonly Peer[] = [
  command(
    "shell",
    `mawk ${asShellWord(splitWords)} "$INPUT" | ${byKey} | mawk ${asShellWord(sumCounts)} > "$OUTPUT/part-0"`,
  ),
  command("mawk", `${countWithMawk} "$INPUT" | sort > "$OUTPUT/part-0"`),
  duckdb(`SELECT word || '\\t' || count(*) FROM (SELECT unnest(split(line, ' ')) AS word FROM lines)
GROUP BY word ORDER BY word`),
  spark(`SELECT word || '\\t' || count(*) FROM (SELECT explode(split(line, ' ')) AS word FROM lines)
GROUP BY word ORDER BY word`),
];

export const indexDocuments = command(
  "shell",
  `mawk ${asShellWord(splitDocuments)} "$INPUT" | ${byKey} | mawk ${asShellWord(listDocuments)} > "$OUTPUT/part-0"`,
);

export const grepFiles: readonly Peer[] = [
  // grep exits with 1 if it finds nothing, which is no failure.
  command("grep", `ls "$INPUT" | xargs -P2 -n1 sh -c 'grep -F qua "$INPUT$0" > "$OUTPUT/part-$0" || [ $? -eq 1 ]'`),
  duckdb("SELECT line FROM lines WHERE contains(line, 'qua')"),
];

/** The same in one process. */
export const grepInTurn = command("grep-in-turn", `grep -hF qua "$INPUT"* > "$OUTPUT/part-0"`);

export const measureValues = command(
  "shell",
  `${byKey} "$INPUT" | mawk -F'\\t' 'NR > 1 && $1 != k { show(); c = b = 0 } { k = $1; c++; b += length($2) } END { show() } function show() { printf "%s\\t%d %.0f\\n", k, c, b }' > "$OUTPUT/part-0"`,
);

/** Reads an object from a store in one stream. @param script what to do with it, after a pipe */
const curl = (script: string): Peer => ({
  ...command("curl", `curl -sSf "$ADDRESS" | ${script} > "$OUTPUT/part-0"`),
  needs: "command -v curl",
});

export const grepAddress = curl("grep -F qua");

export const countWordsAtAddress = curl(`${countWithMawk} | sort`);
