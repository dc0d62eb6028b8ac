import { Fragment } from "react";
import { holdsImageUrl, splitAtImages } from "../../lib/storedImage";
import { StoredImageView } from "./StoredImageView";

/** A plain text in which references are shown as what they refer to. */
export function TextWithImages({ text }: { text: string }) {
  if (!holdsImageUrl(text)) return <>{text}</>;
  return splitAtImages(text).map((segment, place) =>
    "image" in segment ? (
      <StoredImageView key={place} image={segment.image} />
    ) : (
      <Fragment key={place}>{segment.text}</Fragment>
    ),
  );
}
