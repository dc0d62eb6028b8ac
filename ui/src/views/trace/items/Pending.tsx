import classes from "./Pending.module.css";

/** Grey lines where content will be, about as many as there will be. */
export function Pending({ bytes }: { bytes: number }) {
  const lines = Math.min(12, Math.max(1, Math.ceil(bytes / 100)));
  return (
    <div className={classes.pending} aria-hidden>
      {Array.from({ length: lines }, (_, line) => (
        <span
          key={line}
          style={{ width: `${line === lines - 1 ? 40 : 60 + ((line * 29) % 25)}%` }}
        />
      ))}
    </div>
  );
}
