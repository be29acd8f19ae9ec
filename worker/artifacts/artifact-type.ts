import type { ArtifactType } from "../../shared/api/artifacts.ts";
import { formatNamed, formatOf } from "../../shared/archive-format.ts";
import { isTypeScript } from "../../shared/module-contract.ts";
import { inspectStart } from "../../shared/program-start.ts";
import { findWasmMisfit } from "../../shared/wasm-contract.ts";
import { isWasm, readWasm } from "../../shared/wasm-module.ts";
import type { ContentHead } from "./content-head.ts";
import { findSyntaxError } from "./module-syntax.ts";

/** What an artifact is that was uploaded without a type, by its name and its first bytes. */
export const inferType = (name: string, start: Uint8Array): ArtifactType => {
  if (isWasm(start)) return "wasm";
  // A script that cannot run is one all the same, and is refused; any other file may be data.
  const isScript = start[0] === 0x23 && start[1] === 0x21;
  if (isScript || inspectStart(start).kind !== "unusable") return "executable";
  if (/\.m[jt]s$/i.test(name)) return "module";
  return formatNamed(name) === undefined ? "file" : "archive";
};

/**
 * Why a content can never be used as an artifact of a type. What depends on a machine is left to the runner, and so is a module
 * of more than 256 KiB, and what comes behind the first 256 KiB of WebAssembly.
 * @returns the rest of a sentence that begins with the file, with the cure; undefined where nothing is wrong
 */
export const findMisfit = (name: string, type: ArtifactType, head: ContentHead): string | undefined => {
  switch (type) {
    case "executable": {
      const found = inspectStart(head.start);
      return found.kind === "unusable" ? found.problem : undefined;
    }
    case "module": {
      const error = head.whole && findSyntaxError(name, new TextDecoder().decode(head.whole));
      // The parser does not know all of TypeScript.
      const other = isTypeScript(name) ? "upload it compiled to JavaScript" : "upload the file with `--form type=file`";
      return error && `is a module with a syntax error in ${error}. Correct it, or ${other}`;
    }
    case "wasm":
      return wasmMisfit(head.beginning);
    case "archive":
      return archiveMisfit(name, head.start);
    case "file":
      return undefined;
  }
};

const wasmMisfit = (beginning: Uint8Array): string | undefined => {
  try {
    const misfit = findWasmMisfit(readWasm(beginning));
    return misfit && `${misfit}. Build it as docs/guide/webassembly.md says, or upload it with \`--form type=file\``;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
};

const archiveMisfit = (name: string, start: Uint8Array): string | undefined => {
  const named = formatNamed(name);
  const found = formatOf(start);
  if (found !== undefined && (named ?? found) === found) return undefined;
  const claim = named === undefined ? "a tar or zip archive" : `a .${named} archive, as its name says`;
  return (
    `is not ${claim}: pack it with \`tar czf NAME.tar.gz FILES\` or \`zip -r NAME.zip FILES\`, ` +
    "or upload it as it is with `--form type=file`"
  );
};
