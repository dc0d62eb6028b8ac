import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef, type PointerEvent } from "react";
import { spanColor, type LookKind } from "../../lib/spanLook";
import type { TranscriptRow } from "../../lib/transcript";
import classes from "./Minimap.module.css";

interface MinimapProps {
  rows: TranscriptRow[];
  /** Height of all rows. */
  total: number;
  startOf: (row: number) => number;
  offset: number;
  /** Height of the part in view. */
  height: number;
  onSeek: (offset: number) => void;
}

const WIDTH = 16;
const RANK: Readonly<Record<LookKind, number>> = {
  error: 6,
  grade: 5,
  user: 4,
  tool: 3,
  assistant: 2,
  event: 1,
  system: 0,
};

/** The whole transcript as a strip of colours, with the part in view marked. */
export function Minimap({ rows, total, startOf, offset, height, onSeek }: MinimapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref, height: stripHeight } = useElementSize();

  // A canvas is painted, not rendered.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (canvas.current) paint(canvas.current, rows, total, startOf, stripHeight);
    });
    return () => cancelAnimationFrame(frame);
  });

  const seek = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onSeek(((event.clientY - box.top) / box.height) * total - height / 2);
  };
  const scale = total > 0 ? stripHeight / total : 0;
  return (
    <div
      ref={ref}
      className={classes.minimap}
      aria-hidden
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) seek(event);
      }}
    >
      <canvas ref={canvas} className={classes.canvas} />
      <div
        className={classes.view}
        style={{ top: offset * scale, height: Math.max(8, Math.min(stripHeight, height * scale)) }}
      />
    </div>
  );
}

function paint(
  canvas: HTMLCanvasElement,
  rows: TranscriptRow[],
  total: number,
  startOf: (row: number) => number,
  height: number,
): void {
  const context = canvas.getContext("2d");
  if (!context || total <= 0 || height <= 0) return;
  canvas.width = WIDTH;
  canvas.height = Math.round(height);
  const lines = new Array<LookKind | undefined>(canvas.height);
  rows.forEach((row, place) => {
    const color = spanColor(row.span);
    const from = Math.floor((startOf(place) / total) * canvas.height);
    const end = place + 1 < rows.length ? startOf(place + 1) : total;
    const to = Math.max(from + 1, Math.floor((end / total) * canvas.height) - 1);
    for (let line = from; line < to && line < lines.length; line += 1) {
      const before = lines[line];
      if (before === undefined || RANK[color] > RANK[before]) lines[line] = color;
    }
  });
  const style = getComputedStyle(canvas);
  lines.forEach((color, line) => {
    if (color === undefined) return;
    context.fillStyle = style.getPropertyValue(`--role-${color}`);
    context.globalAlpha = color === "error" || color === "grade" ? 1 : 0.45;
    context.fillRect(2, line, WIDTH - 4, 1);
  });
}
