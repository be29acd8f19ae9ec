/** A function that a program in WebAssembly imports. */
type Import = (...parameters: number[]) => number | Promise<number> | void;

/** Keeps what an import throws, and refuses all later calls: a program could catch it and go on. */
export class Guard {
  /** Why the program has failed. */
  failure: { readonly error: unknown } | undefined;

  /** @throws what an import has thrown */
  check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Whatever its types are: WebAssembly passes numbers of 64 bits as bigints, and a module says itself what it imports. */
  around(call: Import): (...parameters: (number | bigint)[]) => number | Promise<number> | undefined {
    const keep = (error: unknown): never => {
      this.failure ??= { error };
      throw error;
    };
    return (...parameters) => {
      this.check();
      try {
        const result = call(...parameters.map(Number)) ?? undefined;
        return result instanceof Promise ? result.catch(keep) : result;
      } catch (error) {
        return keep(error);
      }
    };
  }
}
