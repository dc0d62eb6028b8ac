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

/** Never answers `GET /api/v1/{path}`. */
export function hang(path: string): void {
  server.use(http.get(`*/api/v1/${path}`, () => new Promise<never>(() => undefined)));
}
