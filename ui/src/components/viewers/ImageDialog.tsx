import { Modal } from "@mantine/core";
import { IconDownload, IconZoomIn, IconZoomOut } from "@tabler/icons-react";
import { useState } from "react";
import { describeImage } from "../../lib/describeImage";
import { fileName, type StoredImage } from "../../lib/storedImage";
import classes from "./ImageDialog.module.css";

interface ImageDialogProps {
  image: StoredImage;
  address: string;
  alt: string;
  onClose: () => void;
}

/** A stored image in full size, or as large as the window, with what is known of it. */
export function ImageDialog({ image, address, alt, onClose }: ImageDialogProps) {
  const { width, height } = image;
  const [reduced, setReduced] = useState(false);
  const [whole, setWhole] = useState(true);
  const Icon = whole ? IconZoomIn : IconZoomOut;
  return (
    <Modal
      opened
      onClose={onClose}
      size="auto"
      centered
      title={
        <span className={classes.title}>
          <span>{describeImage(image)}</span>
          {reduced && (
            <button type="button" className={classes.zoom} onClick={() => setWhole(!whole)}>
              <Icon size={13} aria-hidden /> {whole ? "Full size" : "Whole image"}
            </button>
          )}
          <a href={address} download={fileName(image)}>
            <IconDownload size={13} aria-hidden /> Download
          </a>
        </span>
      }
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.frame} tabIndex={0} role="region" aria-label="image in full size">
        <img
          src={address}
          alt={alt || "image in full size"}
          width={width ?? undefined}
          height={height ?? undefined}
          data-whole={whole || undefined}
          style={{ "--width": width ?? undefined, "--height": height ?? undefined }}
          onLoad={({ currentTarget: shown }) => {
            setReduced(shown.clientWidth < shown.naturalWidth);
          }}
        />
      </div>
    </Modal>
  );
}
