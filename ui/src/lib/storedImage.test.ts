import { describe, expect, it } from "vitest";
import {
  fileKind,
  fileName,
  imageAddress,
  parseImageUrl,
  shownImages,
  splitAtImages,
  thumbnailSize,
  withoutImageUrls,
  type StoredImage,
} from "./storedImage";

const HASH = "0a".repeat(32);
const URL = `caribou-image://${HASH}?type=image%2Fpng&bytes=70&width=2&height=1`;
const IMAGE: StoredImage = { hash: HASH, type: "image/png", bytes: 70, width: 2, height: 1 };

describe("a reference", () => {
  it("is read with its hints", () => {
    expect(parseImageUrl(URL)).toEqual(IMAGE);
  });

  it("needs nothing but its hash", () => {
    const bare = parseImageUrl(`caribou-image://${HASH}`);
    expect(bare).toEqual({ hash: HASH, type: "", bytes: null, width: null, height: null });
  });

  it.each([
    "",
    "caribou-image://",
    `caribou-image://${HASH.slice(1)}`,
    `caribou-image://${HASH.toUpperCase()}`,
    `caribou-image://${HASH}/../../keys`,
    `caribou-image://${HASH}?type=image%2Fpng&evil=1`,
    `see caribou-image://${HASH}`,
    `https://example.com/${HASH}`,
  ])("is none of %j", (text) => {
    expect(parseImageUrl(text)).toBeNull();
  });

  it("loads from one address whatever it says", () => {
    const image = parseImageUrl(`caribou-image://${HASH}?type=text%2Fhtml`);
    expect(imageAddress(image?.hash ?? "", null)).toBe(`/api/v1/images/${HASH}`);
    expect(imageAddress(HASH, "a&b=c")).toBe(`/api/v1/images/${HASH}?project=a%26b%3Dc`);
  });
});

describe("a text with references", () => {
  it("is taken apart at them", () => {
    expect(splitAtImages(`see ${URL}. And caribou-image:\\/\\/${HASH}!`)).toEqual([
      { text: "see " },
      { url: URL, image: IMAGE },
      { text: ". And " },
      {
        url: `caribou-image:\\/\\/${HASH}`,
        image: { hash: HASH, type: "", bytes: null, width: null, height: null },
      },
      { text: "!" },
    ]);
  });

  it("ends a reference where its parameters do", () => {
    for (const rest of ["-", "&", "&x=1", "&width=x", "px", "?bytes=8", ")"]) {
      expect(splitAtImages(`${URL}${rest}`)).toEqual([{ url: URL, image: IMAGE }, { text: rest }]);
    }
  });

  it("is short in a list", () => {
    expect(withoutImageUrls(`what is ${URL}?`)).toBe("what is [image]?");
    expect(withoutImageUrls(`what is ${URL.slice(0, 40)}`)).toBe("what is [image]");
    expect(withoutImageUrls(`what is ${URL.slice(0, 84)}`)).toBe("what is [image]");
    expect(withoutImageUrls(`what is ${URL.slice(0, 98)}&`)).toBe("what is [image]");
    expect(withoutImageUrls("plain")).toBe("plain");
  });
});

describe("what is shown", () => {
  it("has its size before it is loaded", () => {
    const size = (width: number | null, height: number | null) =>
      thumbnailSize({ ...IMAGE, width, height });
    expect(size(640, 480)).toEqual({ width: 267, height: 200 });
    expect(size(100, 50)).toEqual({ width: 100, height: 50 });
    expect(size(1, 1)).toEqual({ width: 24, height: 24 });
    expect(size(null, null)).toEqual({ width: 160, height: 120 });
    expect(size(100_000, 10)).toEqual({ width: 320, height: 24 });
  });

  it("is named by its hash and an ending that does no harm", () => {
    const named = (type: string) => fileName({ ...IMAGE, type });
    expect(named("application/pdf")).toBe("0a0a0a0a0a0a.pdf");
    expect(named("audio/mpeg")).toBe("0a0a0a0a0a0a.mp3");
    expect(named("text/../evil")).toBe("0a0a0a0a0a0a.bin");
    expect(named("")).toBe("0a0a0a0a0a0a.bin");
    expect(["audio/wav", "application/pdf", ""].map(fileKind)).toEqual(["audio", "PDF", "file"]);
  });
});

describe("the images of a value", () => {
  it("are found wherever they stand, each once, up to a number", () => {
    const other = `caribou-image://${"0b".repeat(32)}?type=image%2Fpng`;
    const pdf = `caribou-image://${"0c".repeat(32)}?type=application%2Fpdf`;
    const value = { pdf, deep: [{ url: URL }, `![again](${URL})`], text: `see ${other}` };
    const hashes = (limit: number) => shownImages(value, limit).map((image) => image.hash);
    expect(hashes(4)).toEqual([HASH, "0b".repeat(32)]);
    expect(hashes(1)).toEqual([HASH]);
    expect(shownImages(undefined, 4)).toEqual([]);
    expect(shownImages(URL, 4)).toEqual([IMAGE]);
  });
});
