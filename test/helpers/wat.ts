import binaryen from "assemblyscript/binaryen";

/**
 * Assembles a module from WebAssembly's text format, with everything that engines know.
 * @throws Error if it is no module
 */
export const assemble = (text: string): Buffer => {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return Buffer.from(module.emitBinary());
  } finally {
    module.dispose();
  }
};
