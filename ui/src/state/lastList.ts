/** The list one came from: what the trace page's next and previous walk, and where "back to the list" leads. */
import { parseListSearch, parseQuery, formatQuery, type ListSearch } from "../urls";

const KEY = "kestrel.last-list";

export function rememberList(search: ListSearch): void {
  try {
    sessionStorage.setItem(KEY, formatQuery(search));
  } catch {
    // Without storage the trace page offers no list to go back to.
  }
}

export function lastList(): ListSearch | null {
  try {
    const query = sessionStorage.getItem(KEY);
    return query === null ? null : parseListSearch(parseQuery(query));
  } catch {
    return null;
  }
}
