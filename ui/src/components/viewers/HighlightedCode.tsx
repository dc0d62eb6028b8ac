import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import { useMemo } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

const lowlight = createLowlight(common);

/** Loaded on its own: the grammars weigh more than the page. */
export default function HighlightedCode({ code, language }: { code: string; language: string }) {
  const tree = useMemo(
    () => (lowlight.registered(language) ? lowlight.highlight(language, code) : null),
    [code, language],
  );
  return <code>{tree ? toJsxRuntime(tree, { Fragment, jsx, jsxs }) : code}</code>;
}
