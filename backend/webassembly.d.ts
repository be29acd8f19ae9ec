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
  /** A function for which a program is suspended until its promise resolves. */
  const Suspending: new (call: (...parameters: (number | bigint)[]) => unknown) => object;
  /** @returns a function whose promise resolves when the program's has returned, however often it was suspended */
  function promising(call: (...parameters: number[]) => unknown): (...parameters: number[]) => Promise<unknown>;
}
