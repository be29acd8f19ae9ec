import { z } from "zod";
import type { Access } from "./rbac.ts";
import type { JsonObject } from "./json.ts";
import { badRequest } from "./status.ts";

export const accessReviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

const text = z.string().default("");
const ReviewSchema = z.object({
  apiVersion: z.literal("authorization.k8s.io/v1"),
  kind: z.literal("SelfSubjectAccessReview"),
  spec: z.object({
    resourceAttributes: z.object({
      verb: text,
      group: text,
      version: text,
      resource: text,
      subresource: text,
      namespace: text,
      name: text,
    }),
  }),
});

/** Answers a user who asks what they are allowed to do. @throws Refusal 400 */
export const reviewed = (body: unknown, allows: (access: Access) => boolean): JsonObject => {
  const review = ReviewSchema.safeParse(body);
  if (!review.success) throw badRequest(`SelfSubjectAccessReview: ${z.prettifyError(review.error)}`);
  const { apiVersion, kind, spec } = review.data;
  return { apiVersion, kind, metadata: {}, spec, status: { allowed: allows(spec.resourceAttributes) } };
};
