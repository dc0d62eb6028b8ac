import { useDocumentTitle } from "@mantine/hooks";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { TracesView } from "./TracesView";

/** `/p/{project}`: the rollouts of a project. */
export function ProjectPage() {
  const { project } = useParams({ from: "/p/$project" });
  const search = useSearch({ from: "/p/$project" });
  const navigate = useNavigate();
  const within = useMemo(() => ({ ...search, project: [project] }), [search, project]);
  useDocumentTitle(`${project} · Kestrel`);
  return (
    <TracesView
      search={within}
      onSearch={(next, replace) => {
        const { project: chosen, ...rest } = next;
        const same = chosen?.length === 1 && chosen[0] === project;
        if (same) void navigate({ to: "/p/$project", params: { project }, search: rest, replace });
        else void navigate({ to: "/traces", search: next, replace });
      }}
    />
  );
}
