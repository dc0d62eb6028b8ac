import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef, type PointerEvent } from "react";
import { colorLines, rowAt, rowTops } from "../../lib/minimap";
import type { TranscriptRow } from "../../lib/transcript";
import classes from "./Minimap.module.css";

interface MinimapProps {
  rows: TranscriptRow[];
  /** Estimated, not measured: the strip shall not move while rows get their heights. */
  heights: number[];
  /** First and last row in view. */
  first: number;
  last: number;
  onSeek: (row: number) => void;
}

const WIDTH = 16;

/** The whole transcript as a strip of colours, with the part in view marked. */
export function Minimap({ rows, heights, first, last, onSeek }: MinimapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref, height } = useElementSize();
  const scheme = useComputedColorScheme();
  const tops = useMemo(() => rowTops(heights), [heights]);
  const total = tops.at(-1) ?? 0;

  // A canvas is painted, not rendered.
  useEffect(() => {
    if (canvas.current) paint(canvas.current, rows, tops, Math.round(height));
  }, [rows, tops, height, scheme]);

  const seek = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    onSeek(rowAt(tops, ((event.clientY - box.top) / box.height) * total));
  };
  const scale = total > 0 ? height / total : 0;
  const top = (tops[first] ?? 0) * scale;
  const bottom = (tops[last + 1] ?? total) * scale;
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
      <div className={classes.view} style={{ top, height: Math.max(8, bottom - top) }} />
    </div>
  );
}

function paint(
  canvas: HTMLCanvasElement,
  rows: TranscriptRow[],
  tops: Float64Array,
  height: number,
): void {
  const context = canvas.getContext("2d");
  if (!context || height <= 0) return;
  canvas.width = WIDTH;
  canvas.height = height;
  const style = getComputedStyle(canvas);
  colorLines(rows, tops, height).forEach((color, line) => {
    if (color === null) return;
    context.fillStyle = style.getPropertyValue(`--role-${color}`);
    context.globalAlpha = color === "error" || color === "grade" ? 1 : 0.45;
    context.fillRect(2, line, WIDTH - 4, 1);
  });
}
