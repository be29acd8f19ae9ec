import { showBytes, showCount } from "../../show/quantity.ts";
import { useLoaded } from "../data/loaded.ts";
import { sharesOf, verdictOf } from "../data/shares.ts";
import { useSession } from "../data/session.ts";

/** Partitions that are compared. */
const most = 200;

/** Bytes and records of each partition. */
export const Skew = ({ job, isOver }: { readonly job: string; readonly isOver: boolean }) => {
  const { client } = useSession();
  const { value } = useLoaded(
    async (signal) =>
      await client.tasks.list(job, { type: "reducer", sort: "index" }, { signal }).page({ limit: most }),
    [job],
    isOver ? undefined : 5000,
  );
  const shares = sharesOf(value?.items ?? []);
  if (shares.length === 0) return null;
  const largest = Math.max(1, ...shares.map(({ bytes }) => bytes));
  return (
    <>
      <p>{verdictOf(shares)}</p>
      {shares.length > 1 && (
        <ol class="skew">
          {shares.map(({ index, bytes, records }) => (
            <li key={index}>
              <span class="number">{index}</span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(bytes / largest) * 100} height="4" />
              </svg>
              <span class="number">
                {showBytes(bytes)}
                {records > 0 && `, ${showCount(records)} records`}
              </span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
};
