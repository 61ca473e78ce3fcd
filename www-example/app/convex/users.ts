// What the server knows of its caller, to be compared with what the page believes.
import { query } from "./builders";
import { type Caller, callerOf } from "./caller";

export const whoami = query({
  args: {},
  handler: (ctx): Promise<Caller | null> => callerOf(ctx.auth),
});
