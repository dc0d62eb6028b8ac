import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
} from "@tanstack/react-router";
import { formatQuery, parseListSearch, parseQuery, parseTraceSearch } from "./urls";
import { HomePage } from "./views/projects/HomePage";
import { CrashPage } from "./views/shell/CrashPage";
import { NotFoundPage } from "./views/shell/NotFoundPage";
import { Shell } from "./views/shell/Shell";
import { ProjectPage } from "./views/traces/ProjectPage";
import { TracesPage } from "./views/traces/TracesPage";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: CrashPage,
});

const home = createRoute({ getParentRoute: () => root, path: "/", component: HomePage });

const project = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  validateSearch: parseListSearch,
  component: ProjectPage,
});

const traces = createRoute({
  getParentRoute: () => root,
  path: "/traces",
  validateSearch: parseListSearch,
  component: TracesPage,
});

const trace = createRoute({
  getParentRoute: () => root,
  path: "/traces/$traceId",
  validateSearch: parseTraceSearch,
  component: lazyRouteComponent(() => import("./views/trace/TracePage"), "TracePage"),
});

const routeTree = root.addChildren([home, project, traces, trace]);

export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    parseSearch: parseQuery,
    stringifySearch: formatQuery,
    defaultErrorComponent: CrashPage,
    ...(history ? { history } : {}),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
