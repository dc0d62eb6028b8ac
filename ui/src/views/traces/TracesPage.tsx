import { useDocumentTitle } from "@mantine/hooks";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { TracesView } from "./TracesView";

/** `/traces`: all rollouts that may be read, as the address narrows them. */
export function TracesPage() {
  const search = useSearch({ from: "/traces" });
  const navigate = useNavigate();
  useDocumentTitle("Rollouts · Kestrel");
  return (
    <TracesView
      search={search}
      onSearch={(next, replace) => void navigate({ to: "/traces", search: next, replace })}
    />
  );
}
