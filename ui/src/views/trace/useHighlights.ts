import { useEffect } from "react";

const MAX_RANGES = 2_000;

/** Marks every occurrence of a text in what is rendered, without touching the document. */
export function useHighlights(root: HTMLElement | null, text: string, active: string | null): void {
  // Highlights live in a registry of the browser, and rows come and go while one scrolls.
  useEffect(() => {
    if (!root || text === "" || !("highlights" in CSS)) return;
    let frame = 0;
    const mark = () => {
      frame = 0;
      const ranges = findRanges(root, text.toLowerCase());
      const isActive = (range: Range) => itemOf(range) === active;
      CSS.highlights.set("found", new Highlight(...ranges.filter((range) => !isActive(range))));
      CSS.highlights.set("found-active", new Highlight(...ranges.filter(isActive)));
    };
    const schedule = () => {
      frame ||= requestAnimationFrame(mark);
    };
    const observer = new MutationObserver(schedule);
    observer.observe(root, { childList: true, subtree: true, characterData: true });
    schedule();
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
      CSS.highlights.delete("found");
      CSS.highlights.delete("found-active");
    };
  }, [root, text, active]);
}

function itemOf(range: Range): string | null {
  const item = range.startContainer.parentElement?.closest("[data-span]");
  return item?.getAttribute("data-span") ?? null;
}

function findRanges(root: HTMLElement, text: string): Range[] {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && ranges.length < MAX_RANGES; node = walker.nextNode()) {
    const content = node.nodeValue?.toLowerCase() ?? "";
    for (let at = content.indexOf(text); at !== -1; at = content.indexOf(text, at + text.length)) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      ranges.push(range);
    }
  }
  return ranges;
}
