import { useState } from "react";
import { ApiError } from "../api/error";

interface Answered<T> {
  data: T | undefined;
  error: Error | null;
}

/** What a view goes on to show: the last answer, while the server fails to give another one. */
export function useKeptData<T>({ data, error }: Answered<T>): T | undefined {
  const [kept, setKept] = useState(data);
  if (data !== undefined && data !== kept) setKept(data);
  // A question that the server refuses is answered: with the refusal.
  const refused = error instanceof ApiError && error.isRefused;
  return data ?? (error !== null && !refused ? kept : undefined);
}
