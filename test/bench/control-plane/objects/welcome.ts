import { protocolVersion } from "../../../../shared/protocol/versions.ts";
import { ClusterObject } from "../../../../worker/cluster/object.ts";
import type { Env } from "../../../../worker/env.ts";
import { Meter } from "./meter.ts";
import { Socket } from "./socket.ts";

/** A cluster's object. */
export class MeasuredCluster extends ClusterObject {
  readonly meter: Meter;

  constructor(ctx: DurableObjectState, env: Env, meter = new Meter(ctx)) {
    super(ctx, env);
    this.meter = meter;
  }
}

/**
 * Queues this many jobs with annotations of `size` characters, then connects an agent. @returns the length of each message to
 * it
 */
export const measureWelcome = async (cluster: MeasuredCluster, jobs: number, size: number): Promise<number[]> => {
  const pods = { credentialSecrets: [], annotations: { note: "x".repeat(size) } };
  for (let n = 0; n < jobs; n++) {
    const jobId = `01900000-0000-7000-8000-${String(n).padStart(12, "0")}`;
    await cluster.want({ jobId, version: 1, runners: 1, token: "token", pods });
  }
  const lengths: number[] = [];
  const socket = new Socket((text) => lengths.push(text.length));
  cluster.meter.sockets.push(socket);
  const hello = { kind: "hello", id: 1, version: protocolVersion, clusterId: "bench", launcher: "bench", capacity: 1 };
  cluster.webSocketMessage(socket.end, JSON.stringify(hello));
  return lengths;
};
