import { useState } from "react";
import { isObject, type JsonObject } from "../../lib/json";
import { parseImageUrl } from "../../lib/storedImage";
import { useExpansion } from "../../state/expansion";
import classes from "./JsonTree.module.css";
import { StoredImageView } from "./StoredImageView";
import { TextWithImages } from "./TextWithImages";

const CHUNK = 100;
const LONG_TEXT = 400;

interface JsonTreeProps {
  /** `{item}/{part}`: under which open nodes are kept. */
  id: string;
  value: unknown;
  /** How many levels start open. */
  openLevels?: number;
}

/** A value as a tree with open and closed nodes. */
export function JsonTree({ id, value, openLevels = 2 }: JsonTreeProps) {
  return (
    // Deep trees scroll in themselves; the focus lets the keyboard do it.
    <div className={classes.tree} tabIndex={0} role="group" aria-label="JSON">
      <Node id={id} name={null} value={value} level={0} openLevels={openLevels} />
    </div>
  );
}

interface NodeProps {
  id: string;
  name: string | null;
  value: unknown;
  level: number;
  openLevels: number;
}

function Node({ id, name, value, level, openLevels }: NodeProps) {
  const branch = Array.isArray(value) || isObject(value);
  if (!branch) {
    return (
      <div className={classes.line}>
        <Name name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch id={id} name={name} value={value} level={level} openLevels={openLevels} />;
}

interface BranchProps extends NodeProps {
  value: JsonObject | unknown[];
}

function Branch({ id, name, value, level, openLevels }: BranchProps) {
  const entries = Object.entries(value);
  const [open, setOpen] = useExpansion(id, level < openLevels && entries.length <= CHUNK);
  const [shown, setShown] = useState(CHUNK);
  const list = Array.isArray(value);
  if (entries.length === 0) {
    return (
      <div className={classes.line}>
        <Name name={name} />
        {list ? "[]" : "{}"}
      </div>
    );
  }
  return (
    <div>
      <button
        type="button"
        className={classes.branch}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <span className={classes.arrow} aria-hidden>
          {open ? "▾" : "▸"}
        </span>
        <Name name={name} />
        <span className={classes.summary}>
          {list
            ? `[${entries.length}]`
            : open
              ? "{"
              : `{ ${Object.keys(value).slice(0, 4).join(", ")}${entries.length > 4 ? ", …" : ""} }`}
        </span>
      </button>
      {open && (
        <div className={classes.children}>
          {entries.slice(0, shown).map(([key, entry]) => (
            <Node
              key={key}
              id={`${id}.${key}`}
              name={key}
              value={entry}
              level={level + 1}
              openLevels={openLevels}
            />
          ))}
          {entries.length > shown && (
            <button
              type="button"
              className={classes.more}
              onClick={() => setShown(shown + 10 * CHUNK)}
            >
              {entries.length - shown} more
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Name({ name }: { name: string | null }) {
  return name === null ? null : (
    <>
      <span className={classes.name}>{name}</span>
      <span className={classes.colon}>: </span>
    </>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") {
    return (
      <span className={classes[typeof value === "number" ? "number" : "word"]}>
        {String(value)}
      </span>
    );
  }
  const stored = parseImageUrl(value);
  if (stored) return <StoredImageView image={stored} />;
  const long = value.length > LONG_TEXT && !whole;
  return (
    <span className={classes.string}>
      &quot;
      <TextWithImages text={long ? value.slice(0, LONG_TEXT) : value} />
      &quot;
      {long && (
        <button type="button" className={classes.more} onClick={() => setWhole(true)}>
          {value.length - LONG_TEXT} more characters
        </button>
      )}
    </span>
  );
}
