import { formatBytes } from "./format";
import type { StoredImage } from "./storedImage";

/** `640 × 480 · image/png · 12 KB`, as far as it is known. */
export function describeImage({ width, height, type, bytes }: StoredImage): string {
  return [
    width !== null && height !== null ? `${width} × ${height}` : null,
    type || "file",
    bytes === null ? null : formatBytes(bytes),
  ]
    .filter((part) => part !== null)
    .join(" · ");
}
