import { createContext, useContext } from "react";
import type { KestrelApi } from "../api/client";

const ApiContext = createContext<KestrelApi | null>(null);

export const ApiProvider = ApiContext.Provider;

export function useApi(): KestrelApi {
  const api = useContext(ApiContext);
  if (!api) throw new Error("useApi needs an ApiProvider above it");
  return api;
}
