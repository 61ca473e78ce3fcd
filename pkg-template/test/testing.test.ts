// The test source behaves like Clerk: its cache, its errors, its claims.
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTestSource } from "../src/testing.js";

const claimsOf = (token: string | null) => {
  const bytes = Uint8Array.from(atob(token!.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
};
afterEach(() => {
  vi.useRealTimers();
});

describe("createTestSource", () => {
  it("is_signed_out_unless_told_otherwise", async () => {
    for (const source of [createTestSource(), createTestSource({ user: null })]) {
      expect(source.getSession()).toBeNull();
      expect(await source.getToken({})).toBeNull();
    }
    expect(createTestSource({ user: "u" }).getSession()).toMatchObject({ userId: "u", orgId: null });
  });

  it("tells_listeners_of_each_change", async () => {
    const source = createTestSource();
    const users: unknown[] = [];
    const stop = source.subscribe(() => users.push(source.getSession()?.userId ?? null));
    source.signIn("a");
    source.signIn({ userId: "b" });
    source.setOrganization("org", "admin");
    expect(source.getSession()).toMatchObject({ orgId: "org", orgRole: "admin" });
    await source.signOut();
    stop();
    source.signIn("c");
    expect(users).toEqual(["a", "b", "b", null]);
  });

  it("mints_tokens_with_the_claims_of_clerk", async () => {
    const source = createTestSource({ lifetimeSeconds: 30 });
    source.signIn({ userId: "ü", orgId: "org", orgRole: "admin", claims: { aud: "convex" } });
    const token = await source.getToken({});
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    const claims = claimsOf(token);
    expect(claims).toMatchObject({ sub: "ü", sid: source.getSession()!.sessionId, aud: "convex", o: { id: "org" } });
    expect(claims.exp - claims.iat).toBe(30);
    expect(source.getSession()!.sessionClaims).toMatchObject({ aud: "convex" });
    expect(claimsOf(await source.getToken({ template: "hasura" })).sid).toBeUndefined();
  });

  it("caches_like_clerk_until_five_seconds_remain", async () => {
    vi.useFakeTimers();
    const source = createTestSource({ user: "u", lifetimeSeconds: 60 });
    const first = await source.getToken({});
    vi.advanceTimersByTime(54_000);
    expect(await source.getToken({})).toBe(first);
    expect(await source.getToken({ template: "other" })).not.toBe(first);
    vi.advanceTimersByTime(1_500);
    const second = await source.getToken({});
    expect(second).not.toBe(first);
    expect(await source.getToken({ skipCache: true })).not.toBe(second);
    expect(source.fetches.map(({ template, skipCache }) => [template, skipCache])).toEqual([
      [null, false],
      [null, false],
      ["other", false],
      [null, false],
      [null, true],
    ]);
  });

  it.each([
    ["offline", { clerkError: true, code: "clerk_offline" }],
    ["rate-limited", { status: 429, retryAfter: 1 }],
    ["server-error", { status: 500 }],
    ["no-template", { status: 404, errors: [{ code: "resource_not_found" }] }],
  ] as const)("fails_as_%s", async (kind, error) => {
    const source = createTestSource({ user: "u" });
    source.fail(kind, 2);
    await expect(source.getToken({})).rejects.toMatchObject(error);
    await expect(source.getToken({})).rejects.toMatchObject(error);
    expect(await source.getToken({})).toBeTypeOf("string");
    source.fail(kind);
    await expect(source.getToken({ skipCache: true })).rejects.toMatchObject(error);
    source.fail(null);
    expect(await source.getToken({})).toBeTypeOf("string");
  });

  it("a_timeout_never_settles", async () => {
    const source = createTestSource({ user: "u" });
    source.fail("timeout", 1);
    const settled = vi.fn();
    source.getToken({}).then(settled, settled);
    await source.getToken({});
    expect(settled).not.toHaveBeenCalled();
  });
});
