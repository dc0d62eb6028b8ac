import { holdsImageUrl, splitAtImages } from "../../lib/storedImage";

interface MarkdownNode {
  type: string;
  value?: string;
  children?: MarkdownNode[];
}

/** Makes images of the references that stand in the text of a Markdown document by themselves. */
export function remarkImages() {
  return (tree: MarkdownNode) => showImages(tree);
}

function showImages(node: MarkdownNode): void {
  if (!node.children) return;
  node.children = node.children.flatMap((child) => {
    if (child.type === "text" && child.value !== undefined && holdsImageUrl(child.value)) {
      return splitAtImages(child.value).map((segment) =>
        "image" in segment
          ? { type: "image", url: segment.url, alt: "" }
          : { type: "text", value: segment.text },
      );
    }
    showImages(child);
    return [child];
  });
}
