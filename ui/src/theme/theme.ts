import { createTheme, type MantineColorsTuple } from "@mantine/core";

const teal: MantineColorsTuple = [
  "#e6f7f4",
  "#d0ebe6",
  "#a3d8cf",
  "#72c4b7",
  "#4bb3a3",
  "#32a896",
  "#1d8f7f",
  "#0f766e",
  "#0b625b",
  "#064e48",
];

const dark: MantineColorsTuple = [
  "#d9dce1",
  "#b8bdc6",
  "#969da8",
  "#6b727d",
  "#3a3f48",
  "#2c3037",
  "#22262c",
  "#15171b",
  "#111316",
  "#0c0d10",
];

/** Small, square and quiet: an editor, not a brochure. */
export const theme = createTheme({
  colors: { teal, dark },
  primaryColor: "teal",
  primaryShade: { light: 7, dark: 5 },
  autoContrast: true,
  fontFamily: "var(--font-text)",
  fontFamilyMonospace: "var(--font-code)",
  fontSizes: { xs: "11.5px", sm: "13px", md: "13px", lg: "15px", xl: "18px" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.4" },
  defaultRadius: 4,
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Tooltip: { defaultProps: { openDelay: 400, withinPortal: true, fz: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: 26 } },
    Menu: { defaultProps: { shadow: "md", transitionProps: { duration: 80 } } },
    Popover: { defaultProps: { shadow: "md", transitionProps: { duration: 80 } } },
    Modal: { defaultProps: { transitionProps: { duration: 80 } } },
    Drawer: { defaultProps: { transitionProps: { duration: 120 } } },
  },
});
