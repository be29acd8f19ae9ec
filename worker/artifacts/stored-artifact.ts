import type { StoredArtifact } from "../../shared/api/artifacts.ts";
import type { StoredContent } from "../contracts.ts";
import { artifactOf } from "../job/spec.ts";

/** An artifact as the REST API shows it. */
export const storedArtifactOf = (stored: StoredContent): StoredArtifact => ({
  ...artifactOf(stored),
  uploadedAt: stored.uploadedAt,
  uploadedBy: stored.uploadedBy,
});
