/** A stray's command: writes its pid to the file `$0` and sleeps, under another name. */
const sleeper = 'echo $$ >> "$0"; exec -a innocent sleep 1000';

/** In Python, which can shed everything that identifies a process: parents, session, folder, files and environment. */
const daemon = `
import os, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.chdir("/")
with open(sys.argv[1], "a") as file: file.write(str(os.getpid()) + "\\n")
os.closerange(0, 1024)
os.execve("/bin/sleep", ["innocent", "1000"], {})
`;

const inBackground = (launcher: string, file: string): string =>
  `${launcher} bash -c '${sleeper}' ${file} < /dev/null > /dev/null 2>&1 &`;

/** Lines of a bash script that leave a process behind, which writes its pid to a file, keyed by how they do it. */
export const strayKinds: Readonly<Record<string, (file: string) => string>> = {
  "in the background": (file) => inBackground("", file),
  nohup: (file) => inBackground("nohup", file),
  "a group of its own": (file) => inBackground("timeout 900", file),
  "a group by job control": (file) => `set -m; ${inBackground("", file)} set +m`,
  "a session of its own": (file) => inBackground("setsid", file),
  "no environment": (file) => inBackground(`env -i PATH="$PATH" setsid`, file),
  "forked twice": (file) => `(cd /; ${inBackground("setsid", file)})`,
  "a daemon": (file) => `python3 -c '${daemon}' ${file} < /dev/null > /dev/null 2>&1`,
};
