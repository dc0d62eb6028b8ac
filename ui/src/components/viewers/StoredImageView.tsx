import { IconDownload, IconFile, IconMusic, IconPhoto, IconPhotoOff } from "@tabler/icons-react";
import { use, useState } from "react";
import { describeImage } from "../../lib/describeImage";
import {
  fileKind,
  fileName,
  imageAddress,
  isShownType,
  thumbnailSize,
  type StoredImage,
} from "../../lib/storedImage";
import { ImageDialog } from "./ImageDialog";
import { ImageProject } from "./ImageProject";
import classes from "./StoredImageView.module.css";

const ICONS: Record<string, typeof IconFile> = { image: IconPhoto, audio: IconMusic };

interface StoredImageViewProps {
  image: StoredImage;
  /** What it shows, where somebody said so. */
  alt?: string | undefined;
  /** How much of the usual size a thumbnail has. */
  part?: number;
}

/** A stored image as a thumbnail that opens in full size; any other binary as a file to download. */
export function StoredImageView({ image, alt, part }: StoredImageViewProps) {
  const address = imageAddress(image.hash, use(ImageProject));
  return isShownType(image.type) ? (
    <Thumbnail image={image} address={address} alt={alt ?? ""} part={part} />
  ) : (
    <FileChip image={image} address={address} name={alt} />
  );
}

interface ShownProps {
  image: StoredImage;
  address: string;
}

interface ThumbnailProps extends ShownProps {
  alt: string;
  part: number | undefined;
}

function Thumbnail({ image, address, alt, part }: ThumbnailProps) {
  const [opened, setOpened] = useState(false);
  const [missing, setMissing] = useState(false);
  if (missing) return <FileChip image={image} address={address} missing />;
  const size = thumbnailSize(image, part);
  const label = [alt || "image", describeImage(image)].join(", ");
  return (
    <>
      <button
        type="button"
        className={classes.thumbnail}
        aria-label={`Open ${label}`}
        title={describeImage(image)}
        onClick={(event) => {
          event.stopPropagation();
          setOpened(true);
        }}
      >
        <img
          src={address}
          alt={alt}
          {...size}
          loading="lazy"
          decoding="async"
          onError={() => setMissing(true)}
        />
      </button>
      {opened && (
        <ImageDialog image={image} address={address} alt={alt} onClose={() => setOpened(false)} />
      )}
    </>
  );
}

interface FileChipProps extends ShownProps {
  name?: string | undefined;
  missing?: boolean;
}

function FileChip({ image, address, name, missing = false }: FileChipProps) {
  const kind = fileKind(image.type);
  const Icon = missing ? IconPhotoOff : (ICONS[kind] ?? IconFile);
  return (
    <span className={classes.chip}>
      <Icon size={14} aria-hidden />
      {name && <span className={classes.name}>{name}</span>}
      <span>{describeImage(image)}</span>
      {missing ? (
        <span className={classes.faint}>not available</span>
      ) : (
        <a
          href={address}
          download={fileName(image)}
          aria-label={`Download ${kind}, ${describeImage(image)}`}
          onClick={(event) => event.stopPropagation()}
        >
          <IconDownload size={13} aria-hidden />
          Download
        </a>
      )}
    </span>
  );
}
