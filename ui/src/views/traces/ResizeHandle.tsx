import type { KeyboardEvent, PointerEvent } from "react";
import classes from "./TraceTable.module.css";

const KEY_STEP = 16;

/** The right border of a column's title: drag it, or focus it and use the arrow keys. */
export function ResizeHandle({
  title,
  onResize,
}: {
  title: string;
  onResize: (width: number) => void;
}) {
  const onPointerDown = (event: PointerEvent<HTMLButtonElement>) => {
    const cell = event.currentTarget.parentElement;
    if (!cell) return;
    event.preventDefault();
    const handle = event.currentTarget;
    const start = event.clientX - cell.offsetWidth;
    handle.setPointerCapture(event.pointerId);
    const onMove = (move: globalThis.PointerEvent) => onResize(move.clientX - start);
    handle.addEventListener("pointermove", onMove);
    handle.addEventListener(
      "lostpointercapture",
      () => handle.removeEventListener("pointermove", onMove),
      { once: true },
    );
  };
  const onKeyDown = (event: KeyboardEvent<HTMLButtonElement>) => {
    const by = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    const width = event.currentTarget.parentElement?.offsetWidth;
    if (by === undefined || width === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    onResize(width + by);
  };
  return (
    <button
      type="button"
      className={classes.handle}
      aria-label={`Width of ${title}`}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
