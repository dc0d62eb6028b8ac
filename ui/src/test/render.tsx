import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { httpApi } from "../api/http";
import { ApiProvider } from "../queries/api";
import { createQueryClient } from "../queries/queryClient";
import { createAppRouter } from "../router";
import { theme } from "../theme/theme";

/** The whole program at an address; only the network is made up. */
export function renderAt(path: string) {
  const api = httpApi();
  const client = createQueryClient();
  client.setDefaultOptions({ queries: { retry: false } });
  const router = createAppRouter({ api, client }, createMemoryHistory({ initialEntries: [path] }));
  render(
    <MantineProvider theme={theme} env="test">
      <ApiProvider value={api}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </ApiProvider>
    </MantineProvider>,
  );
  return { router };
}
