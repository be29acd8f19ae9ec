/** The command that `env` in a `#!` line starts. */
type EnvCommand = {
  /** Undefined if the line is not understood; empty if it names no command. */
  readonly command: string | undefined;
  /** Whether the command is the whole argument of `env`, including white space. */
  readonly isWhole: boolean;
};

const notUnderstood: EnvCommand = { command: undefined, isWhole: false };

/** Options of GNU and BSD `env`: those that stand alone, and those that take the next word or the rest of their own. */
const flags = /^-[i0v]+$|^--(ignore-environment|null|debug)$/;
const withArgument = /^-[uCPa]$|^--(unset|chdir|argv0)$/;
const withOwnArgument = /^-[uCPa].|^--(unset|chdir|argv0)=/;

/**
 * Finds the command in the argument of `env`, which the kernel passes as one word. Without `-S`, `env` looks for a command with
 * exactly that name, including white space.
 * @param argument without white space around it
 */
export function commandOf(argument: string): EnvCommand {
  const [, split] = /^(?:-v?S|--split-string(?:=|[ \t]))[ \t]*(.*)$/.exec(argument) ?? [];
  if (split === undefined) {
    return argument.startsWith("-") || argument.includes("=") ? notUnderstood : { command: argument, isWhole: true };
  }
  // Quotes, escapes, variables and comments have their own rules.
  if (/["'\\$#]/.test(split)) return notUnderstood;
  const words = split.split(/[ \t]+/);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (withArgument.test(word)) at++;
    else if (word.startsWith("-") && !flags.test(word) && !withOwnArgument.test(word)) return notUnderstood;
    // An option or variable that changes PATH means that `env` does not search ours.
    else if (word.startsWith("PATH=") || word.startsWith("-P")) return notUnderstood;
    else if (!word.startsWith("-") && !word.includes("=")) return { command: word, isWhole: false };
  }
  return { command: "", isWhole: false };
}
