import { shownImages } from "../../lib/storedImage";
import classes from "./StoredImageView.module.css";
import { StoredImageView } from "./StoredImageView";

const SHOWN = 4;
const PART = 0.5;

/** The first images of a value that is folded, so that nobody has to open it to see what it is. */
export function SmallImages({ value }: { value: unknown }) {
  const images = shownImages(value, SHOWN);
  if (images.length === 0) return null;
  return (
    <div className={classes.small}>
      {images.map((image) => (
        <StoredImageView key={image.hash} image={image} part={PART} />
      ))}
    </div>
  );
}
