/** `caribou-image://` URLs: what stands in logged values for images and other binaries. */

const HASH = "[0-9a-f]{64}";
// The parameters that Kestrel writes, in any order; a reference ends with the last of them.
const PARAMETER = "(?:type=[A-Za-z0-9%._-]*[A-Za-z0-9%_-]|(?:bytes|width|height)=[0-9]+)";
const REFERENCE = `caribou-image:(?://|\\\\/\\\\/)(${HASH})(\\?${PARAMETER}(?:&${PARAMETER})*)?`;
const WHOLE = new RegExp(`^${REFERENCE}$`);

/** What a reference says. All but the hash are hints that the writer of a text may have made up. */
export interface StoredImage {
  hash: string;
  /** Media type, empty where it is not said. */
  type: string;
  bytes: number | null;
  width: number | null;
  height: number | null;
}

/** A text between references, or a reference. */
export type ImageSegment = { text: string } | { url: string; image: StoredImage };

/** The reference that a text is, if it is nothing else. */
export function parseImageUrl(text: string): StoredImage | null {
  if (!text.startsWith("caribou-image:")) return null;
  const match = WHOLE.exec(text);
  return match?.[1] ? readImage(match[1], match[2]) : null;
}

export function holdsImageUrl(text: string): boolean {
  return text.includes("caribou-image:");
}

/** A text taken apart at its references; empty texts are left out. */
export function splitAtImages(text: string): ImageSegment[] {
  const segments: ImageSegment[] = [];
  let end = 0;
  for (const match of text.matchAll(new RegExp(REFERENCE, "g"))) {
    if (!match[1]) continue;
    if (match.index > end) segments.push({ text: text.slice(end, match.index) });
    segments.push({ url: match[0], image: readImage(match[1], match[2]) });
    end = match.index + match[0].length;
  }
  if (end < text.length) segments.push({ text: text.slice(end) });
  return segments;
}

/** The first few shown images that a value of any shape refers to, each once. */
export function shownImages(value: unknown, limit: number): StoredImage[] {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
  if (!holdsImageUrl(text)) return [];
  const images = new Map<string, StoredImage>();
  for (const segment of splitAtImages(text)) {
    if (images.size === limit) break;
    if ("image" in segment && isShownType(segment.image.type)) {
      images.set(segment.image.hash, segment.image);
    }
  }
  return [...images.values()];
}

/** A text with `[image]` in place of references. */
export function withoutImageUrls(text: string): string {
  if (!holdsImageUrl(text)) return text;
  const line = splitAtImages(text)
    .map((segment) => ("image" in segment ? `[${fileKind(segment.image.type)}]` : segment.text))
    .join("");
  // A list shows the beginning of a text, which may end inside a reference.
  return line.replace(/(caribou-image:|\[\w+\](\?\w|&))\S*$/, "[image]");
}

function readImage(hash: string, query: string | undefined): StoredImage {
  const parameters = new URLSearchParams(query ?? "");
  return {
    hash,
    type: parameters.get("type") ?? "",
    bytes: readNumber(parameters.get("bytes")),
    width: readNumber(parameters.get("width")),
    height: readNumber(parameters.get("height")),
  };
}

function readNumber(text: string | null): number | null {
  const number = Number(text);
  return text !== null && Number.isSafeInteger(number) && number > 0 ? number : null;
}

/** The only address that is ever loaded for a reference. */
export function imageAddress(hash: string, project: string | null): string {
  const query = project === null ? "" : `?${new URLSearchParams({ project }).toString()}`;
  return `/api/v1/images/${hash}${query}`;
}

const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"];

/** True for the kinds that Kestrel serves to be shown in place. */
export function isShownType(type: string): boolean {
  return SHOWN.includes(type);
}

const EXTENSIONS: Record<string, string> = {
  "image/jpeg": "jpg",
  "image/svg+xml": "svg",
  "audio/mpeg": "mp3",
  "text/plain": "txt",
};

/** What a download is called; a type that somebody made up becomes no ending that does harm. */
export function fileName({ hash, type }: StoredImage): string {
  const minor = EXTENSIONS[type] ?? type.split("/")[1] ?? "";
  const ending = /^[a-z0-9]{1,5}$/.test(minor) ? minor : "bin";
  return `${hash.slice(0, 12)}.${ending}`;
}

/** `image`, `audio`, `video`, `PDF` or `file`. */
export function fileKind(type: string): string {
  const major = type.split("/")[0] ?? "";
  if (["image", "audio", "video"].includes(major)) return major;
  return type === "application/pdf" ? "PDF" : "file";
}

const THUMBNAIL_WIDTH = 320;
const THUMBNAIL_HEIGHT = 200;
const SMALLEST = 24;

/** Size of a thumbnail on screen, known before the image is loaded; `part` of it where there is less room. */
export function thumbnailSize(
  { width, height }: StoredImage,
  part = 1,
): { width: number; height: number } {
  if (width === null || height === null) return { width: 160 * part, height: 120 * part };
  const scale = Math.min(1, (part * THUMBNAIL_WIDTH) / width, (part * THUMBNAIL_HEIGHT) / height);
  return {
    width: Math.max(SMALLEST, Math.round(width * scale)),
    height: Math.max(SMALLEST, Math.round(height * scale)),
  };
}
