import { z } from "zod";

/** What users call their jobs by. */

export const JobNameSchema = z.string().min(1, "must not be empty").max(200, "must have at most 200 characters");

const mostTags = 50;

/** A tag's key has no colon, so that `key:value` can be told apart. */
export const tagKey = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;
export const tagKeyAdvice = "must begin with a letter or digit, and have at most 63 letters, digits and any of . _ / -";

export const TagsSchema = z
  .record(z.string().regex(tagKey, tagKeyAdvice), z.string().max(200, "must have at most 200 characters"))
  .refine((tags) => Object.keys(tags).length <= mostTags, `must be at most ${mostTags}`);
