import { lazy, Suspense } from "react";
import classes from "./CodeBlock.module.css";

const HighlightedCode = lazy(() => import("./HighlightedCode"));
const HIGHLIGHT_LIMIT = 50_000;

/** Code in full width; colours come when the highlighter has been loaded. */
export function CodeBlock({ code, language }: { code: string; language?: string | undefined }) {
  const plain = <code>{code}</code>;
  return (
    // Long lines scroll in themselves; the focus lets the keyboard do it.
    <pre className={classes.block} tabIndex={0}>
      {language !== undefined && code.length <= HIGHLIGHT_LIMIT ? (
        <Suspense fallback={plain}>
          <HighlightedCode code={code} language={language} />
        </Suspense>
      ) : (
        plain
      )}
    </pre>
  );
}
