// The claims reader of the package, by the table that the core's own reader is held against, too.
import { describe, expect, it } from "vitest";
import rows from "../../tests/core/claims.json";
import { claimsOf } from "../src/shell/claims.js";

/** As the machine takes times: whole milliseconds, within a quarter million years. */
const bounded = (ms: number) => (Number.isNaN(ms) ? null : Math.trunc(Math.min(Math.max(ms, -(2 ** 53)), 2 ** 53)));

const read = (token: unknown) => {
  const [claims, exp, iat] = claimsOf(token, "user_1", "sess_1");
  if (claims === 4) return null;
  return { exp: bounded(exp), iat: bounded(iat), foreign: !!(claims & 1), fits: !!(claims & 2) };
};

describe("claims", () => {
  it.each(rows)("b9_b11_$what", ({ token, claims }) => {
    expect(read(token)).toEqual(claims);
  });

  it.each([[1], [{}], [null], [undefined], [["a.b.c"]], ["a".repeat(32_769)]])("b9_j1_%j_is_no_token", (value) => {
    expect(read(value)).toBe(null);
  });

  it("b9_32_KiB_are_a_token", () => {
    expect(read("a".repeat(32_768))).toEqual({ exp: null, iat: null, foreign: false, fits: false });
  });

  it("j1_nothing_throws_however_deep_or_damaged", () => {
    const token = (payload: string) => `e30.${btoa(payload).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_")}.c2ln`;
    for (const payload of ["[".repeat(20_000), '{"a":'.repeat(4_000), '{"sub":"\\ud800"}', "\xff\xfe"])
      expect(read(token(payload))).toMatchObject({ exp: null });
  });
});
