/** What `env` of a `#!` line is to start. */
type EnvCommand = {
  /** Undefined where that is not understood; empty where there is none. */
  readonly command: string | undefined;
  /** It is the whole argument of `env`, white space included. */
  readonly isWhole: boolean;
};

const notUnderstood: EnvCommand = { command: undefined, isWhole: false };

/** Options of GNU's and BSD's `env` that are a word of their own, and those that take the next word or the rest of theirs. */
const flags = /^-[i0v]+$|^--(ignore-environment|null|debug)$/;
const withArgument = /^-[uCPa]$|^--(unset|chdir|argv0)$/;
const withOwnArgument = /^-[uCPa].|^--(unset|chdir|argv0)=/;

/**
 * Finds the command in the argument of `env`, which the kernel hands over as one word: without `-S`, `env` looks for a command
 * of that very name, white space included.
 * @param argument without white space around it
 */
export function commandOf(argument: string): EnvCommand {
  const [, split] = /^(?:-v?S|--split-string(?:=|[ \t]))[ \t]*(.*)$/.exec(argument) ?? [];
  if (split === undefined) {
    return argument.startsWith("-") || argument.includes("=") ? notUnderstood : { command: argument, isWhole: true };
  }
  // Quotes, escapes, variables and comments have rules of their own.
  if (/["'\\$#]/.test(split)) return notUnderstood;
  const words = split.split(/[ \t]+/);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (withArgument.test(word)) at++;
    else if (word.startsWith("-") && !flags.test(word) && !withOwnArgument.test(word)) return notUnderstood;
    // A command is not looked for on this PATH where an option or a variable changes it.
    else if (word.startsWith("PATH=") || word.startsWith("-P")) return notUnderstood;
    else if (!word.startsWith("-") && !word.includes("=")) return { command: word, isWhole: false };
  }
  return { command: "", isWhole: false };
}
