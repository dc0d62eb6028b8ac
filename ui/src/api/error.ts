/** An answer that is not a success, or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }

  /** True where no server answered. */
  get isUnreachable(): boolean {
    return this.code === "unreachable";
  }

  /** True where asking the same again cannot help. */
  get isRefused(): boolean {
    return this.status >= 400 && this.status < 500;
  }

  get isForbidden(): boolean {
    return this.status === 401 || this.status === 403;
  }
}
