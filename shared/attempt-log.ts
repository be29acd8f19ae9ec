/** What is kept of an attempt's log, in bytes: so much of its beginning, and so much of its end. */
export const headBytes = 64 * 1024;
export const tailBytes = 960 * 1024;

/** What stands in a log in the place of so many bytes. */
export const leftOut = (bytes: number): Uint8Array => new TextEncoder().encode(`\n[… ${bytes} bytes are left out …]\n`);
