import { useTimeout } from "@mantine/hooks";
import { useState } from "react";
import classes from "./Skeleton.module.css";

const DELAY_MS = 100;

interface SkeletonProps {
  rows: number;
  /** Height of a row in pixels. */
  height: number;
  label: string;
}

/** Grey rows where content will be; nothing at all for the first moment, so that fast answers do not flicker. */
export function Skeleton({ rows, height, label }: SkeletonProps) {
  const [shown, setShown] = useState(false);
  useTimeout(() => setShown(true), DELAY_MS, { autoInvoke: true });
  return (
    <div role="status" aria-label={label} className={classes.skeleton}>
      {shown &&
        Array.from({ length: rows }, (_, row) => (
          <div key={row} className={classes.row} style={{ height }}>
            <span style={{ width: 60 }} />
            <span style={{ width: `${25 + ((row * 37) % 50)}%` }} />
          </div>
        ))}
    </div>
  );
}
