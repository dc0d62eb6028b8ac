import { createContext } from "react";

/** The project whose images are shown; null where any of them may be. */
export const ImageProject = createContext<string | null>(null);
