import { IconPhoto } from "@tabler/icons-react";
import { countLines, FOLD_LINES, FORMAT_LIMIT, headLines } from "../../lib/content";
import { isShownImage, type Part } from "../../lib/messages";
import { toText } from "../../lib/json";
import { parseImageUrl } from "../../lib/storedImage";
import { ExternalLink } from "./ExternalLink";
import { Fold } from "./Fold";
import { JsonTree } from "./JsonTree";
import { Markdown } from "./Markdown";
import classes from "./PartsView.module.css";
import { PlainText } from "./PlainText";
import { StoredImageView } from "./StoredImageView";
import { ToolCallLine } from "./ToolCallLine";
import { ValueView } from "./ValueView";

interface PartsViewProps {
  id: string;
  parts: Part[];
  /** How many lines a closed fold shows. */
  shown?: number;
}

/** The content of a message. */
export function PartsView({ id, parts, shown }: PartsViewProps) {
  return (
    <div className={classes.parts}>
      {parts.map((part, place) => (
        <PartView key={place} id={`${id}.${place}`} part={part} shown={shown} />
      ))}
    </div>
  );
}

interface PartViewProps {
  id: string;
  part: Part;
  shown: number | undefined;
}

function PartView({ id, part, shown }: PartViewProps) {
  switch (part.type) {
    case "text":
      return <Prose id={id} text={part.text} shown={shown} />;
    case "reasoning":
      return <Reasoning id={id} text={part.text} />;
    case "image":
      return <Picture url={part.url} name={part.name} />;
    case "tool_call":
      return <ToolCallLine call={part.call} />;
    case "tool_result":
      return <ValueView id={id} label="tool result" value={part.result} />;
    case "value":
      return <JsonTree id={id} value={part.value} />;
  }
}

/** Markdown of any length, folded when long. */
export function Prose({
  id,
  text,
  shown = FOLD_LINES,
}: {
  id: string;
  text: string;
  shown?: number | undefined;
}) {
  return (
    <Fold id={id} lines={countLines(text)} shown={shown}>
      {(open) => {
        const visible = open ? text : headLines(text, shown + 2);
        return visible.length > FORMAT_LIMIT ? (
          <PlainText text={visible} />
        ) : (
          <Markdown text={visible} />
        );
      }}
    </Fold>
  );
}

/** What the model thought before it spoke, set apart from what it said. */
export function Reasoning({ id, text }: { id: string; text: string }) {
  return (
    <aside className={classes.reasoning} aria-label="reasoning">
      <span className={classes.label}>reasoning</span>
      <Prose id={id} text={text} />
    </aside>
  );
}

function Picture({ url, name }: { url: string; name: string | undefined }) {
  const stored = parseImageUrl(url);
  if (stored) return <StoredImageView image={stored} alt={name} />;
  if (isShownImage(url)) {
    return <img src={url} alt="" className={classes.image} />;
  }
  return (
    <span className={classes.link}>
      <IconPhoto size={14} aria-hidden />
      {/^https?:/i.test(url) ? (
        <ExternalLink href={url}>{url}</ExternalLink>
      ) : (
        toText(url).slice(0, 80)
      )}
    </span>
  );
}
