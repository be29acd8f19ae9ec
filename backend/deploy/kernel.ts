import { writeFileSync } from "node:fs";
import { compileKernel, kernelFile } from "./compile-kernel.ts";

/** Compiles the kernel of the data path from `backend/kernel/assembly/`. The result is committed. */
writeFileSync(kernelFile, await compileKernel());
