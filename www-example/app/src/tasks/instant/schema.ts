// What Instant keeps: tasks, each of one user. To be pushed with `npx instant-cli push`, beside permissions such as
// `{ tasks: { allow: { $default: "auth.id != null && auth.id == data.owner" } } }`.
import { i } from "@instantdb/core";

export const schema = i.schema({
  entities: {
    tasks: i.entity({
      text: i.string(),
      done: i.boolean(),
      /** Instant's id of the user, not Clerk's. */
      owner: i.string(),
    }),
  },
});
