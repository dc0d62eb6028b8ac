import { http, HttpResponse, type JsonBodyType } from "msw";
import { setupServer } from "msw/node";

/** Answers nothing by itself: every test says what its server knows, and anything else fails it. */
export const server = setupServer();

/** Answers `GET /api/v1/{path}` with a value. */
export function answer(path: string, body: JsonBodyType): void {
  answerWith(path, () => body);
}

/** Answers `GET /api/v1/{path}` with what follows from its query. */
export function answerWith(path: string, body: (query: URLSearchParams) => JsonBodyType): void {
  server.use(
    http.get(`*/api/v1/${path}`, ({ request }) =>
      HttpResponse.json(body(new URL(request.url).searchParams)),
    ),
  );
}

/** Answers `GET /api/v1/{path}` with an error as Kestrel words them. */
export function refuse(path: string, status: number, message: string): void {
  server.use(
    http.get(`*/api/v1/${path}`, () =>
      HttpResponse.json({ error: { message, type: "invalid_request", code: "test" } }, { status }),
    ),
  );
}

/** Takes the server away: nothing of it answers until `comeBack`. */
export function goAway(): void {
  server.use(http.get("*", () => HttpResponse.error()));
}

/** The server answers that it is ready; what else it answers is said after this. */
export function comeBack(): void {
  server.resetHandlers(http.get("*/readyz", () => new HttpResponse("ready")));
}

/** Never answers `GET /api/v1/{path}`. */
export function hang(path: string): void {
  server.use(http.get(`*/api/v1/${path}`, () => new Promise<never>(() => undefined)));
}
