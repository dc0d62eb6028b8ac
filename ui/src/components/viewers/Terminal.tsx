import Anser from "anser";
import type { CSSProperties } from "react";
import classes from "./Terminal.module.css";

/** Output of a terminal with its colours. */
export function Terminal({ text }: { text: string }) {
  const chunks = Anser.ansiToJson(lastOfLine(text), { use_classes: true, remove_empty: true });
  return (
    // Long lines scroll in themselves; the focus lets the keyboard do it.
    <pre className={classes.terminal} tabIndex={0}>
      {chunks.map((chunk, place) => (
        <span
          key={place}
          className={chunkClass(chunk.fg, chunk.decorations)}
          style={chunkStyle(chunk)}
        >
          {chunk.content}
        </span>
      ))}
    </pre>
  );
}

/** What a carriage return overwrote is not shown, as in a terminal. */
function lastOfLine(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(/^.*\r(?!$)/gm, "");
}

function chunkClass(color: string | null, decorations: string[]): string {
  const names = decorations.map((decoration) => classes[decoration]);
  if (color !== null) names.push(classes[color.replace("ansi-bright-", "ansi-")]);
  return names.filter(Boolean).join(" ");
}

function chunkStyle(chunk: { fg_truecolor: string | null }): CSSProperties | undefined {
  return chunk.fg_truecolor ? { color: `rgb(${chunk.fg_truecolor})` } : undefined;
}
