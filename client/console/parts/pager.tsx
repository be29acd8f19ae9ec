type PagerProps = {
  /** Where the pages before this one begin, this one's included. */
  readonly pages: readonly string[];
  readonly next: string | undefined;
  readonly labels: readonly [back: string, on: string];
  readonly onPages: (pages: readonly string[]) => void;
};

/** Leads to the page before, and to the next one. */
export const Pager = ({ pages, next, labels: [back, on], onPages }: PagerProps) => (
  <>
    <button type="button" class="quiet" disabled={pages.length === 0} onClick={() => onPages(pages.slice(0, -1))}>
      {back}
    </button>
    <button
      type="button"
      class="quiet"
      disabled={next === undefined}
      onClick={() => next !== undefined && onPages([...pages, next])}
    >
      {on}
    </button>
  </>
);
