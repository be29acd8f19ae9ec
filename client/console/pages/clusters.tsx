import { isEnded, jobStatuses } from "../../../shared/status.ts";
import type { Cluster, Job } from "../../sdk/index.ts";
import { nameOf, shortId } from "../../show/job-names.ts";
import { useLoaded } from "../data/loaded.ts";
import { routeTo } from "../data/address.ts";
import { useSession } from "../data/session.ts";
import { Ago, Facts, Problem, Section } from "../parts/basics.tsx";

/** Jobs of a cluster that are looked at for what they wait for. */
const most = 100;

const open = jobStatuses.filter((status) => !isEnded(status));

const ClusterView = ({ cluster, jobs }: { readonly cluster: Cluster; readonly jobs: readonly Job[] }) => {
  const { name, connected, version, launcher, capacity, lastContact, problem } = cluster;
  const waiting = jobs.filter(({ conditions }) => conditions.length > 0);
  return (
    <Section title={name}>
      {!connected && (
        <div class="notice notice-bad">
          No agent is connected: jobs wait until one is.{" "}
          {lastContact !== null && (
            <>
              The last one was there <Ago time={lastContact} />.
            </>
          )}
        </div>
      )}
      {problem !== null && <div class="notice notice-bad">{problem}</div>}
      <Facts
        facts={[
          ["agent", connected ? "connected" : "away"],
          ["release", version],
          ["runners", launcher === null ? "" : launcher === "kubernetes" ? "pods" : "processes"],
          ["at most", capacity === null ? "" : `${capacity} at a time`],
          ["jobs", `${jobs.length} under way`],
        ]}
      />
      {waiting.length > 0 && (
        <ul>
          {waiting.map((job) => (
            <li key={job.id}>
              <a href={routeTo(["jobs", job.id])}>{nameOf(job) || shortId(job.id)}</a>: {job.conditions[0]?.message}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
};

export const ClustersPage = () => {
  const { client } = useSession();
  const { value, error } = useLoaded(
    async (signal) => {
      const clusters = await client.clusters.list({ signal });
      const { items } = await client.jobs.list({ status: open }, { signal }).page({ limit: most });
      return { clusters, jobs: items };
    },
    [],
    3000,
  );
  return (
    <>
      <h1>Clusters</h1>
      <Problem error={error} />
      {value?.clusters.map((cluster) => (
        <ClusterView
          key={cluster.name}
          cluster={cluster}
          jobs={value.jobs.filter((job) => job.cluster === cluster.name)}
        />
      ))}
    </>
  );
};
