import classes from "./Marks.module.css";

/** What is odd about a span but was kept. */
export function Marks({ marks }: { marks: string[] }) {
  if (marks.length === 0) return null;
  return (
    <ul className={classes.marks} aria-label="remarks">
      {marks.map((mark) => (
        <li key={mark}>{mark}</li>
      ))}
    </ul>
  );
}
