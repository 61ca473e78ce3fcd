// Words for people, out of whatever was thrown.

/** Clerk's errors carry their words for people in a list; Convex's in `data`, Instant's in `body`. */
export function wordsOf(error: unknown): string {
  const { errors, data, body, message } = Object(error) as {
    errors?: { longMessage?: string; message?: string }[];
    data?: { message?: string };
    body?: { message?: string };
    message?: string;
  };
  const clerk = errors?.[0];
  return clerk?.longMessage || clerk?.message || data?.message || body?.message || message || "That did not work.";
}
