import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
} from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";
import type { KestrelApi } from "./api/client";
import { preloadTrace } from "./queries/preloadTrace";
import { formatQuery, parseListSearch, parseQuery, parseTraceSearch } from "./urls";
import { HomePage } from "./views/projects/HomePage";
import { CrashPage } from "./views/shell/CrashPage";
import { NotFoundPage } from "./views/shell/NotFoundPage";
import { Shell } from "./views/shell/Shell";
import { ProjectPage } from "./views/traces/ProjectPage";
import { TracesPage } from "./views/traces/TracesPage";

export interface RouterContext {
  api: KestrelApi;
  client: QueryClient;
}

const root = createRootRouteWithContext<RouterContext>()({
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
  // The first screen is asked for while the code of the page is still on its way.
  loader: ({ context, params }) => preloadTrace(context.client, context.api, params.traceId),
  component: lazyRouteComponent(() => import("./views/trace/TracePage"), "TracePage"),
});

const routeTree = root.addChildren([home, project, traces, trace]);

export function createAppRouter(context: RouterContext, history?: RouterHistory) {
  return createRouter({
    routeTree,
    context,
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
