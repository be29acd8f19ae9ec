import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser } from "acorn";
import { z } from "zod";
import { isTypeScript } from "../../shared/module-contract.ts";

const TypeScriptParser = Parser.extend(tsPlugin());

/** How acorn says, as a syntax error, that code is nested too deeply for its stack. */
const tooDeep = "Not enough stack space";

const PlaceSchema = z.object({ loc: z.object({ line: z.int(), column: z.int() }) });

/**
 * The first syntax error of an ES module, with its line and column, both from 1. Undefined where there is none, and where the
 * parser gives up, as on code that is nested too deeply: that is left to the runner.
 */
export const findSyntaxError = (name: string, source: string): string | undefined => {
  const parser = isTypeScript(name) ? TypeScriptParser : Parser;
  try {
    parser.parse(source, { ecmaVersion: "latest", sourceType: "module" });
    return undefined;
  } catch (error) {
    const place = PlaceSchema.safeParse(error);
    const isSyntax = error instanceof SyntaxError && !error.message.startsWith(tooDeep);
    if (!isSyntax || !place.success) return undefined;
    const { line, column } = place.data.loc;
    // The parser ends its message with the place.
    return `line ${line}, column ${column + 1}: ${error.message.replace(/ \(\d+:\d+\)$/, "")}`;
  }
};
