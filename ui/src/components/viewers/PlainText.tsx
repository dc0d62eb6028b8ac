import classes from "./PlainText.module.css";
import { TextWithImages } from "./TextWithImages";

/** Text as it is; `code` in a fixed font with its own scroll bar. */
export function PlainText({ text, code = false }: { text: string; code?: boolean }) {
  return (
    <div className={code ? classes.code : classes.prose}>
      <TextWithImages text={text} />
    </div>
  );
}
