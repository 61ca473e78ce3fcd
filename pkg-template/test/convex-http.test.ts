// The Convex adapter against the real ConvexHttpClient: a token is set, and each call carries it.
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { describe, expect, it, vi } from "vitest";
import { adapterOf } from "../src/backend.js";
import { convex } from "../src/convex.js";

const api: any = anyApi;
const contextFor = (userId: string): any => ({ userId, signal: new AbortController().signal, rejected() {} });

const rig = () => {
  const calls: Array<{ path: string; bearer: string | null }> = [];
  const refused = new Set<string>();
  const answers: Array<() => void> = [];
  let keep = false;
  const serve = vi.fn(async (_: string, init: any) => {
    const bearer: string | null = init.headers.Authorization?.replace("Bearer ", "") ?? null;
    calls.push({ path: JSON.parse(init.body).path, bearer });
    if (keep) await new Promise<void>((resolve) => answers.push(resolve));
    if (bearer && refused.has(bearer)) return new Response('{"code":"Unauthenticated"}', { status: 401 });
    return Response.json({ status: "success", value: bearer, logLines: [] });
  });
  const client: any = new ConvexHttpClient("https://happy-animal-123.convex.cloud", { fetch: serve as any, logger: false });
  const adapter = adapterOf(convex(client))!;
  const renew = vi.fn(async (): Promise<string | null> => "renewed");
  adapter.open!({ getToken: async () => null, renew, fetchTimeoutMs: 20 });
  return {
    client,
    adapter,
    calls,
    refused,
    renew,
    serve,
    attach: (token: string, user: string) => adapter.attach(token, contextFor(user)),
    keepAnswers: () => {
      keep = true;
      return () => answers.splice(0).forEach((answer) => answer());
    },
  };
};

describe("ConvexHttpClient", () => {
  it("g1_carries_the_token_of_the_user_and_nothing_for_nobody", async () => {
    const { client, adapter, attach } = rig();
    adapter.nobody!();
    expect(await client.query(api.a.b)).toBeNull();
    attach("one", "user_a");
    expect(await client.query(api.a.b)).toBe("one");
    attach("two", "user_a");
    expect(await client.mutation(api.a.b)).toBe("two");
    adapter.detach("signed-out");
    expect(await client.action(api.a.b)).toBeNull();
  });

  it("g2_calls_wait_while_held", async () => {
    const { client, adapter, attach, calls } = rig();
    adapter.hold!(false);
    const call = client.query(api.a.b);
    expect(calls).toEqual([]);
    attach("one", "user_a");
    expect(await call).toBe("one");
  });

  it("b10_calls_wait_no_longer_than_a_fetch_may_take", async () => {
    const { client, adapter, calls } = rig();
    adapter.hold!(false);
    await expect(client.query(api.a.b)).rejects.toMatchObject({ code: "ERR_TOKEN_TRANSIENT" });
    expect(calls).toEqual([]);
  });

  it("g2_calls_of_a_user_who_left_meanwhile_do_not_go_out", async () => {
    const { client, adapter, attach, calls } = rig();
    attach("one", "user_a");
    adapter.hold!(false);
    const call = expect(client.query(api.a.b)).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    attach("two", "user_b");
    await call;
    expect(calls).toEqual([]);
  });

  it("g2_calls_of_a_user_who_leaves_fail_at_once_and_later_ones_are_the_newcomers", async () => {
    const { client, adapter, attach, calls } = rig();
    attach("one", "user_a");
    adapter.hold!(false);
    const call = expect(client.query(api.a.b)).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    adapter.hold!(true);
    const early = client.query(api.a.b);
    await call;
    expect(calls).toEqual([]);
    attach("two", "user_b");
    expect(await early).toBe("two");
    expect(calls.map(({ bearer }) => bearer)).toEqual(["two"]);
  });

  it("g3_a_refused_call_is_made_once_more_with_a_newer_token", async () => {
    const { client, attach, refused, renew, calls } = rig();
    attach("one", "user_a");
    refused.add("one");
    expect(await client.query(api.a.b)).toBe("renewed");
    expect(renew).toHaveBeenCalledWith("one");
    expect(calls.map(({ bearer }) => bearer)).toEqual(["one", "renewed"]);
    refused.add("renewed");
    await expect(client.query(api.a.b)).rejects.toThrow("Unauthenticated");
    expect(calls).toHaveLength(4);
  });

  it.each([
    ["no token can be had", async () => Promise.reject(new Error("offline"))],
    ["nobody is signed in", async () => null],
    ["it is the same token", async () => "one"],
  ])("g3_the_first_answer_stands_when_%s", async (_, renewed) => {
    const { client, attach, refused, renew, calls } = rig();
    renew.mockImplementation(renewed);
    attach("one", "user_a");
    refused.add("one");
    await expect(client.query(api.a.b)).rejects.toThrow("Unauthenticated");
    expect(calls).toHaveLength(1);
  });

  it("h6_queued_mutations_of_the_leaver_are_rejected", async () => {
    const { client, adapter, attach, calls, keepAnswers } = rig();
    const answer = keepAnswers();
    attach("one", "user_a");
    const running = client.mutation(api.a.running);
    const queued = client.mutation(api.a.queued);
    const failed = expect(queued).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    adapter.detach("signed-out");
    await failed;
    attach("two", "user_b");
    answer();
    expect(await running).toBe("one");
    expect(calls).toEqual([{ path: "a:running", bearer: "one" }]);
  });

  it("i5_opened_twice_it_does_not_call_itself_and_gives_back_only_its_own", async () => {
    const { client, adapter, attach, serve } = rig();
    adapter.open!({ getToken: async () => null, renew: async () => null, fetchTimeoutMs: 20 } as any);
    await attach("token", "user_a");
    expect(await client.query(api.test.who, {})).toBe("token");
    const others = async () => new Response();
    client.fetch = others;
    adapter.close!();
    expect(client.fetch).toBe(others);
    expect(serve).toHaveBeenCalledOnce();
  });

  it("d6_dispose_gives_the_client_its_fetch_back", async () => {
    const { client, adapter, attach, serve } = rig();
    attach("one", "user_a");
    adapter.close!();
    expect(client.fetch).toBe(serve);
    expect(await client.query(api.a.b)).toBe("one");
  });
});
