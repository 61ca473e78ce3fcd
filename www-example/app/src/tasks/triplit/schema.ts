// What Triplit keeps: tasks of one user, or of an organisation. What may be read and written is the server's to decide,
// by the claims of the token.
import { Schema as S } from "@triplit/client";

export const schema = S.Collections({
  tasks: {
    schema: S.Schema({
      id: S.Id(),
      text: S.String(),
      done: S.Boolean({ default: false }),
      /** Clerk's id of the user. */
      owner: S.String(),
      /** Clerk's id of the organisation; empty for what is the owner's alone. */
      org: S.String({ default: "" }),
    }),
  },
});
