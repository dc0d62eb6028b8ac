import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { ImageProject } from "./ImageProject";
import { Markdown } from "./Markdown";
import { PlainText } from "./PlainText";

const HASH = "0a".repeat(32);
const PNG = `caribou-image://${HASH}?type=image%2Fpng&bytes=70&width=640&height=480`;
const ADDRESS = `/api/v1/images/${HASH}?project=airline`;

function show(content: ReactNode) {
  return render(
    <MantineProvider env="test">
      <ImageProject value="airline">{content}</ImageProject>
    </MantineProvider>,
  );
}

describe("a reference", () => {
  it.each([
    ["an image of Markdown", <Markdown key="" text={`see ![plot](${PNG})`} />],
    ["a link of Markdown", <Markdown key="" text={`see [plot](${PNG})`} />],
    ["text in Markdown", <Markdown key="" text={`see ${PNG}, there`} />],
    ["plain text", <PlainText key="" text={`see ${PNG}`} />],
  ])("as %s is a thumbnail with a size of its own", (_, content) => {
    const { container } = show(content);
    const images = container.querySelectorAll("img");
    expect([...images].map((image) => image.getAttribute("src"))).toEqual([ADDRESS]);
    expect([images[0]?.width, images[0]?.height]).toEqual([267, 200]);
  });

  it("opens in full size with what is known of it", async () => {
    show(<PlainText text={PNG} />);
    fireEvent.click(screen.getByRole("button", { name: /Open image/ }));
    const full = await screen.findByAltText("image in full size");
    expect(full).toHaveAttribute("src", ADDRESS);
    expect(screen.getByText("640 × 480 · image/png · 70 B")).toBeInTheDocument();
  });

  it("to something else is a file to download, whatever it claims", () => {
    for (const type of ["audio%2Fwav", "image%2Fsvg%2Bxml", "text%2Fhtml"]) {
      const { container, unmount } = show(
        <PlainText text={`caribou-image://${HASH}?type=${type}`} />,
      );
      expect(container.querySelector("img, iframe, object, embed")).toBeNull();
      expect(screen.getByRole("link", { name: /Download/ })).toHaveAttribute("href", ADDRESS);
      unmount();
    }
  });

  it("whose image is gone says so", () => {
    const { container } = show(<PlainText text={PNG} />);
    const image = container.querySelector("img");
    if (image) fireEvent.error(image);
    expect(screen.getByText("not available")).toBeInTheDocument();
  });
});
