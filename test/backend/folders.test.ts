import { chmodSync, existsSync, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { removeFolder, setFolderModes } from "../../backend/folders.ts";

const nobody = 65_534;

/** Does the work as another user if this process is root, who can change read-only files. */
const unprivileged = async (work: () => Promise<void>): Promise<void> => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(nobody);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
};

it("removes read-only folders, but nothing that links in them point to", async () => {
  await unprivileged(async () => {
    const folder = mkdtempSync(join(tmpdir(), "edgefold-test-"));
    const [outside, inside] = [join(folder, "outside"), join(folder, "inside")];
    mkdirSync(join(inside, "a", "b"), { recursive: true });
    mkdirSync(outside);
    chmodSync(outside, 0o500);
    writeFileSync(join(inside, "a", "b", "file"), "x", { mode: 0o444 });
    symlinkSync(outside, join(inside, "a", "link"));
    await setFolderModes(inside, 0o555);
    expect(statSync(join(inside, "a", "b")).mode & 0o777).toBe(0o555);
    await expect(rm(inside, { recursive: true })).rejects.toThrow("EACCES");
    await removeFolder(inside);
    expect(existsSync(inside)).toBe(false);
    expect(statSync(outside).mode & 0o777).toBe(0o500);
    await removeFolder(inside);
    await removeFolder(folder);
    expect(existsSync(folder)).toBe(false);
  });
});
