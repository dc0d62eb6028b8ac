import "@fontsource-variable/inter/index.css";
import "./theme/mantine.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { httpApi } from "./api/http";
import { ApiProvider } from "./queries/api";
import { createQueryClient } from "./queries/queryClient";
import { createAppRouter } from "./router";
import { theme } from "./theme/theme";
import "./theme/tokens.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

const api = httpApi();
const client = createQueryClient();

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <ApiProvider value={api}>
        <QueryClientProvider client={client}>
          <RouterProvider router={createAppRouter({ api, client })} />
        </QueryClientProvider>
      </ApiProvider>
    </MantineProvider>
  </StrictMode>,
);
