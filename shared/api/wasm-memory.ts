import { parseQuantity, QuantitySchema } from "../pods.ts";

/** Bytes: 16 pages of WebAssembly's memory, and all that its addresses reach. */
const least = 2 ** 20;
const most = 2 ** 32;

/** How much memory a program in WebAssembly can have. */
export const WasmMemorySchema = QuantitySchema.refine((text) => {
  const bytes = parseQuantity(text);
  // Text that is no quantity has its own message.
  return !(bytes < least || bytes > most);
}, "must be from 1Mi to 4Gi");

/** Bytes; undefined if the request leaves it to the runner. */
export const wasmMemoryOf = ({ wasmMemory }: { readonly wasmMemory?: string | undefined }): number | undefined =>
  wasmMemory === undefined ? undefined : Math.floor(parseQuantity(wasmMemory));
