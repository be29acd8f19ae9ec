import { z } from "zod";
import { readAgentConfig } from "../../../backend/agent/config.ts";
import { runProcessAgent } from "../../../backend/agent/run-processes.ts";

// The agent's entry point with another runner. Its arguments are the times, as JSON, and the runner's command.
const TimesSchema = z.object({
  settleMs: z.number(),
  firstWaitMs: z.number(),
  longestWaitMs: z.number(),
  quantumMs: z.number(),
  killAfterMs: z.number(),
  headStartMs: z.number(),
});

const [, , times = "", ...command] = process.argv;
process.exitCode = await runProcessAgent(readAgentConfig(process.env), command, TimesSchema.parse(JSON.parse(times)));
