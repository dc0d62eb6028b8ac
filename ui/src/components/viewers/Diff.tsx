import classes from "./Diff.module.css";

/** A unified diff with its lines marked. */
export function Diff({ text }: { text: string }) {
  return (
    // Long lines scroll in themselves; the focus lets the keyboard do it.
    <pre className={classes.diff} tabIndex={0}>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((line, place) => (
          <span key={place} className={classes[lineKind(line)]}>
            {line}
            {"\n"}
          </span>
        ))}
    </pre>
  );
}

function lineKind(line: string): "head" | "added" | "removed" | "same" {
  if (/^(@@|diff |index |--- |\+\+\+ )/.test(line)) return "head";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}
