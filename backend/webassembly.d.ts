/** What runners use of WebAssembly. TypeScript has these types only together with those of browsers. */
declare namespace WebAssembly {
  type Module = object;
  const Module: new (bytes: Uint8Array) => Module;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
  class Memory {
    /** @param descriptor in pages of 64 KiB */
    constructor(descriptor: { readonly initial: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: unknown;
  }
  class Global {
    readonly value: unknown;
  }
}
