import { z } from "zod";
import { maxStatus } from "../limits.ts";
import { cleanText } from "../text.ts";

/** What messages of runners and agents have in common. */

export const Id = z.int().nonnegative();
/** Cut, not refused, where it is too long: it may come from a program. */
export const Text = z.string().transform((text) => text.slice(0, 65_536));
export const Status = z.string().transform((text) => cleanText(text, maxStatus));
/** Also the name of a directory. */
export const JobId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);
/** Also in the names of files and objects. */
export const AttemptId = z.string().regex(/^[0-9A-Za-z-]{1,200}$/);
export const Index = z.int().nonnegative();
export const Bytes = z.int().nonnegative();

export const Re = z.object({ re: Id });
