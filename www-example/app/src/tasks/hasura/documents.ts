// What Hasura is asked. The stand-in knows no options of a list, and names the two mutations in its own way.
import type { Task } from "../types";

export interface Row extends Task {
  readonly org: string | null;
}

export interface List {
  readonly tasks: readonly Row[];
}

const LOCAL = {
  list: "subscription { tasks { id text done org: org_id writtenBy: user_id } }",
  add: "mutation ($text: String!) { insert_task(text: $text) { id } }",
  setDone: "mutation ($id: ID!, $done: Boolean!) { set_done(id: $id, done: $done) { id } }",
};

const CLOUD = {
  list: "subscription { tasks(order_by: { created_at: asc }) { id text done org: org_id writtenBy: user_id } }",
  add: "mutation ($text: String!) { insert_tasks_one(object: { text: $text }) { id } }",
  setDone:
    "mutation ($id: uuid!, $done: Boolean!) { update_tasks_by_pk(pk_columns: { id: $id }, _set: { done: $done }) { id } }",
};

export const documents = IS_LOCAL ? LOCAL : CLOUD;
