import { useDocumentTitle } from "@mantine/hooks";
import { Link, Navigate } from "@tanstack/react-router";
import { ErrorNotice } from "../../components/ErrorNotice";
import { ErrorStrip } from "../../components/ErrorStrip";
import { FirstRollout } from "../../components/FirstRollout";
import { Moment } from "../../components/Moment";
import { Skeleton } from "../../components/Skeleton";
import type { Project } from "../../api/types";
import { formatExact } from "../../lib/format";
import { useProjects } from "../../queries/useProjects";
import classes from "./HomePage.module.css";

/** `/`: the projects; with one project, that one. */
export function HomePage() {
  const { data, error, refetch } = useProjects();
  useDocumentTitle("Projects · Kestrel");
  const retry = () => void refetch();
  if (!data) {
    return error ? (
      <ErrorNotice error={error} what="the projects" onRetry={retry} />
    ) : (
      <Skeleton rows={6} height={40} label="loading projects" />
    );
  }
  const [only] = data.items;
  if (!only) return <FirstRollout />;
  if (data.items.length === 1)
    return <Navigate to="/p/$project" params={{ project: only.name }} replace />;
  return (
    <div className={classes.page}>
      {error && <ErrorStrip error={error} onRetry={retry} />}
      <h1 className={classes.title}>Projects</h1>
      <ProjectTable projects={data.items} />
    </div>
  );
}

function ProjectTable({ projects }: { projects: Project[] }) {
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">Project</th>
          <th scope="col" className="number">
            Rollouts
          </th>
          <th scope="col" className="number">
            Newest
          </th>
        </tr>
      </thead>
      <tbody>
        {projects.map((project) => (
          <tr key={project.id}>
            <td>
              <Link to="/p/$project" params={{ project: project.name }}>
                {project.name}
              </Link>
            </td>
            <td className="number">{formatExact(project.trace_count)}</td>
            <td className="number">
              {project.last_trace_at ? <Moment iso={project.last_trace_at} /> : "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
