/** Tokens of the API that the Worker issues itself: 256 random bits, of which only a hash is kept. */

const tokenForm = /^ef_[\w-]{43}$/;

/** Whether a text has the form of an issued token. */
export const isIssuedToken = (text: string): boolean => tokenForm.test(text);

export const generateToken = (): string => {
  const bits = crypto.getRandomValues(new Uint8Array(32));
  return `ef_${bits.toBase64({ alphabet: "base64url", omitPadding: true })}`;
};

/** The hash by which an issued token is known. It needs no salt and no many rounds: nobody guesses 256 random bits. */
export const hashToken = async (token: string): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))).toHex();
