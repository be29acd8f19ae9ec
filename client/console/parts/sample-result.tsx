import { showCount, showDuration } from "../../show/quantity.ts";
import type { SampleResult } from "../sample/report.ts";
import { Facts, Status } from "./basics.tsx";
import { Table, type Column } from "./table.tsx";

type Row = { readonly index: number; readonly key: string; readonly value: string };

const columns: readonly Column<Row>[] = [
  { title: "Key", cell: ({ key }) => <code>{key}</code>, kind: "cut", hint: ({ key }) => key },
  { title: "Value", cell: ({ value }) => <code>{value}</code>, kind: "wide", hint: ({ value }) => value },
];

const counted = (count: number, one: string): string => `${showCount(count)} ${one}${count === 1 ? "" : "s"}`;

const More = ({ count }: { readonly count: number }) =>
  count > 0 ? <p class="caption">{showCount(count)} more are not shown.</p> : null;

const Records = ({ rows, emitted }: Pick<SampleResult, "rows" | "emitted">) => (
  <div>
    <h3>Emitted</h3>
    {rows.length === 0 ? (
      <p class="caption">Nothing.</p>
    ) : (
      <Table
        label="Emitted records"
        columns={columns}
        items={rows.map(([key, value], index) => ({ index, key, value }))}
        keyOf={({ index }) => String(index)}
        isBounded
      />
    )}
    <More count={emitted - rows.length} />
  </div>
);

/** How a sample went, in a line. Nothing before there is a result. */
export const SampleVerdict = ({ result }: { readonly result: SampleResult | undefined }) => {
  if (result === undefined) return null;
  const { records, emitted, took, error } = result;
  return (
    <>
      <Status status={error === "" ? "completed" : "failed"} />{" "}
      <span class="caption">
        {counted(records, "line")} mapped, {counted(emitted, "record")} emitted, in{" "}
        {took < 1000 ? `${Math.ceil(took)} ms` : showDuration(took)}
      </span>
    </>
  );
};

/** What a mapper made of a few lines. All of it is the module's: it is text, and never anything else. */
export const SampleResultView = ({ result }: { readonly result: SampleResult }) => {
  const { emitted, counters, status, printed, printedMore, error } = result;
  const hasReports = counters.length > 0 || status !== "" || printed.length > 0;
  return (
    <>
      {error !== "" && (
        <div class="notice notice-bad" role="alert">
          <pre>{error}</pre>
        </div>
      )}
      <div class="columns">
        <Records rows={result.rows} emitted={emitted} />
        {hasReports && (
          <div>
            {(counters.length > 0 || status !== "") && (
              <>
                <h3>Counters and status</h3>
                <Facts
                  facts={[
                    ...counters.map(([group, name, amount]): [string, string] => [
                      `${group} / ${name}`,
                      showCount(amount),
                    ]),
                    ["status", status],
                  ]}
                />
              </>
            )}
            {printed.length > 0 && (
              <div class="log">
                <h3>Printed</h3>
                <pre tabIndex={0} aria-label="Printed">
                  {printed.join("\n")}
                </pre>
                <More count={printedMore} />
              </div>
            )}
          </div>
        )}
      </div>
    </>
  );
};
