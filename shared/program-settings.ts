import { z } from "zod";

/**
 * What a job gives its programs besides their input.
 *
 * Lengths are in UTF-16 units, of up to 3 bytes. Linux takes at most 128 KiB of one argument or variable, and 2 MiB of all (execve(2)).
 */

const mostText = 32_768;
const mostTogether = 65_536;
const together = `must have at most ${mostTogether} characters together`;

const TextSchema = z
  .string()
  .max(mostText, `must have at most ${mostText} characters`)
  .refine((text) => !text.includes("\0"), "must not have a NUL character");

const fits = (texts: readonly string[]): boolean =>
  texts.reduce((sum, { length }) => sum + length + 1, 0) <= mostTogether;

export const ArgsSchema = z.array(TextSchema).refine(fits, together);

/** What tells a program of its task has these names, Edgefold's own and Hadoop's: a job's variable would be overwritten. */
const reserved = /^(EDGEFOLD|mapreduce|mapred|map_input)_|^(HOME|TMPDIR)$/;

export const VariableNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a name of letters, digits and underscores, such as MY_SETTING")
  .refine((name) => !reserved.test(name), "is a name to which Edgefold or Hadoop gives a meaning of its own");

export const EnvironmentSchema = z
  .record(VariableNameSchema, TextSchema)
  .refine((all) => fits(Object.entries(all).flat()), together);

/**
 * The variable of a pod that has the value for a job's variable of that name from a Secret. By the name alone it could be one that
 * the runner itself goes by, such as NODE_OPTIONS.
 */
export const podVariable = (name: string): string => `EDGEFOLD_SECRET_${name}`;
