import { useEffect, useState } from "preact/hooks";

const scheme = matchMedia("(prefers-color-scheme: dark)");

/** Whether the page is dark: what is drawn by hand is drawn again when that changes. */
export const useDark = (): boolean => {
  const [isDark, setDark] = useState(scheme.matches);
  useEffect(() => {
    const update = (): void => setDark(scheme.matches);
    scheme.addEventListener("change", update);
    return () => scheme.removeEventListener("change", update);
  }, []);
  return isDark;
};
