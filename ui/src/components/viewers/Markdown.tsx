import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import { isShownImage } from "../../lib/messages";
import { parseImageUrl } from "../../lib/storedImage";
import { CodeBlock } from "./CodeBlock";
import { ExternalLink } from "./ExternalLink";
import classes from "./Markdown.module.css";
import { remarkImages } from "./remarkImages";
import { StoredImageView } from "./StoredImageView";

const plugins = [remarkGfm, remarkImages];

const components: Components = {
  a: ({ href, children }) => {
    const stored = parseImageUrl(href ?? "");
    if (stored) return <StoredImageView image={stored} />;
    return <ExternalLink href={href}>{children}</ExternalLink>;
  },
  img: ({ src, alt }) => {
    const url = typeof src === "string" ? src : "";
    const stored = parseImageUrl(url);
    if (stored) return <StoredImageView image={stored} alt={alt} />;
    return isShownImage(url) ? (
      <img src={url} alt={alt ?? ""} className={classes.image} />
    ) : (
      <ExternalLink href={url}>image: {alt || url}</ExternalLink>
    );
  },
  pre: ({ children }) => <>{children}</>,
  code: ({ className, children }) => {
    const text = typeof children === "string" ? children : "";
    const language = /language-(\S+)/.exec(className ?? "")?.[1];
    const block = language !== undefined || text.includes("\n");
    return block ? (
      <CodeBlock code={text.replace(/\n$/, "")} language={language} />
    ) : (
      <code className={classes.code}>{children}</code>
    );
  },
  table: ({ children }) => (
    // Wide tables scroll in themselves; the focus lets the keyboard do it.
    <div className={classes.table} tabIndex={0} role="region" aria-label="table">
      <table>{children}</table>
    </div>
  ),
};

/** Markdown as text of strangers: no raw HTML, marked links, no pictures from elsewhere. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className={classes.markdown}>
      <ReactMarkdown remarkPlugins={plugins} components={components} urlTransform={keepUrl}>
        {text}
      </ReactMarkdown>
    </div>
  );
}

/** Links to pages and mail, images in the data and stored ones; every other scheme is dropped. */
function keepUrl(url: string): string {
  const kept = /^(https?:|mailto:|#|\/)/i.test(url) || isShownImage(url) || parseImageUrl(url);
  return kept ? url : "";
}
