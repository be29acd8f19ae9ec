import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** An element and its width in CSS pixels, as it changes; 0 until it is known. */
export const useWidth = (): { readonly frame: RefObject<HTMLDivElement | null>; readonly width: number } => {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { frame, width };
};
