import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { processesWith } from "./proc.ts";

/** The Base64 forms of a text at each byte offset in the encoded data, without the characters that neighbouring bytes affect. */
const inBase64 = (text: string): string[] =>
  [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)])
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(Math.ceil((before * 4) / 3), -1);
  });

/** The encodings in which a text can be stored. */
const formsOf = (text: string): Map<string, Buffer> => {
  const bytes = Buffer.from(text);
  const utf16 = Buffer.from(text, "utf16le");
  const forms = new Map<string, Buffer>([
    ["itself", bytes],
    ["JSON", Buffer.from(JSON.stringify(text).slice(1, -1))],
    ["URL-encoded", Buffer.from(encodeURIComponent(text))],
    ["a form", Buffer.from(new URLSearchParams({ x: text }).toString().slice(2))],
    ["hex", Buffer.from(bytes.toString("hex"))],
    ["HEX", Buffer.from(bytes.toString("hex").toUpperCase())],
    ["UTF-16LE", utf16],
    ["UTF-16BE", Buffer.from(utf16).swap16()],
  ]);
  for (const [index, encoded] of inBase64(text).entries()) {
    forms.set(`Base64 at ${index}`, Buffer.from(encoded));
    forms.set(`Base64 for URLs at ${index}`, Buffer.from(encoded.replaceAll("+", "-").replaceAll("/", "_")));
  }
  return forms;
};

/** A secret that tests search for wherever it must not be. */
export class Canary {
  readonly text: string;
  readonly #forms: Map<string, Buffer>;

  /**
   * @param kind names the canary in the message of a failed test
   * @param tail characters that encodings change
   */
  constructor(kind: string, tail = '/+canary="') {
    this.text = `${kind}-${randomBytes(9).toString("hex")}${tail}`;
    this.#forms = formsOf(this.text);
  }

  /** The forms of it that `content` contains. */
  formsIn(content: Buffer | string): string[] {
    const bytes = Buffer.from(content);
    return [...this.#forms].flatMap(([name, form]) => (bytes.includes(form) ? [name] : []));
  }

  /** The files below a folder that contain it in any form. */
  filesIn(folder: string): string[] {
    return filesBelow(folder).flatMap((path) => this.formsIn(readOr(path)).map((form) => `${path}: ${form}`));
  }

  /** The processes on this machine, except this one, that were started with it. */
  processes(): unknown[] {
    return processesWith(this.text);
  }
}

/** The files below a folder. Tolerates files that running processes remove or rename meanwhile. */
export const filesBelow = (folder: string): string[] =>
  listed(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });

const listed = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
};

/** The content of a file; empty if the file is gone. */
export const readOr = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
};
