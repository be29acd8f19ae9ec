/**
 * What is said over the links that agents and runners dial to the Worker.
 *
 * A peer sends requests, each with an `id` of its own that the answer repeats as `re`; a request that was not answered is
 * sent again after a reconnection, so every request may arrive twice and must mean the same then. The Worker pushes notices
 * (without `re`) as well; one that is lost is made up for by the answer to the next `hello`.
 */

/** Heartbeats: answered by the platform without waking the object. */
export const pingText = "ping";
export const pongText = "pong";

/** WebSocket close codes of our own (RFC 6455 leaves 4000–4999 to applications). After these a peer does not dial again. */
export const closeCodes = {
  /** Another connection of the same peer took over. */
  replaced: 4001,
  /** The job has ended, and nothing is left to do for a runner. */
  ended: 4002,
  /** The peer's protocol version does not fit the Worker's. */
  version: 4003,
  /** The cluster's name belongs to another cluster. */
  clusterTaken: 4004,
  /** The runner has failed too many tasks; another one is to take its place. */
  retired: 4006,
  /** A message that is none. */
  malformed: 4005,
} as const;
