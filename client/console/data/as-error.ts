/** What was thrown, as an error that can be shown. */
export const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
