import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef, type PointerEvent } from "react";
import { rowAt, rowTops, stripLines } from "../../lib/minimap";
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
const MARK_WIDTH = 5;
/** How strongly roles are painted, and the errors of the line that has fewest of them. */
const ROLE_ALPHA = 0.45;
const FEWEST_ALPHA = 0.5;

/** The whole transcript as a strip: what stands where, errors and grades at its edge, and the part in view. */
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
  const fill = (color: string, alpha: number, left: number, line: number, width: number) => {
    context.fillStyle = style.getPropertyValue(`--role-${color}`);
    context.globalAlpha = alpha;
    context.fillRect(left, line, width, 1);
  };
  const lines = stripLines(rows, tops, height);
  const most = lines.reduce((max, { errors }) => Math.max(max, errors), 1);
  const mark = WIDTH - MARK_WIDTH;
  lines.forEach(({ role, errors, grade }, line) => {
    if (role !== null) fill(role, ROLE_ALPHA, 2, line, mark - 3);
    if (grade) fill("grade", 1, mark, line, MARK_WIDTH);
    const strength = FEWEST_ALPHA + (1 - FEWEST_ALPHA) * (errors / most);
    if (errors > 0) fill("error", strength, mark, line, MARK_WIDTH);
  });
}
