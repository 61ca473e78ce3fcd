// Somebody who writes rows into Hasura from elsewhere, as a user and with a token that outlasts the test. It must never
// use anything of the page's.
import { setInterval as ticks } from "node:timers/promises";

const CLAIMS = "https://hasura.io/jwt/claims";
const LIFE_SECONDS = 3600;

export class Writer {
  #cloud;

  constructor(cloud, token) {
    this.#cloud = cloud;
    this.token = token;
  }

  static async as(cloud, userId) {
    const { issuer, clock } = await cloud.control("state");
    const iat = Math.floor(clock.now / 1000);
    const roles = { "x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user"], "x-hasura-user-id": userId };
    const claims = { iss: issuer, sub: userId, iat, exp: iat + LIFE_SECONDS, [CLAIMS]: roles };
    const { token } = await cloud.control("sign", { claims });
    return new Writer(cloud, token);
  }

  /** Adds a row; answers its id. */
  async write(text) {
    const query = "mutation ($text: String!) { insert_task(text: $text) { id } }";
    const response = await fetch(`${this.#cloud.url}/v1/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ query, variables: { text } }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(`a row was refused: ${JSON.stringify(errors)}`);
    return data.insert_task.id;
  }

  /** Adds a row every so often, until told to stop; then answers the ids. */
  every(ms) {
    const written = [];
    const stopped = new AbortController();
    const work = (async () => {
      try {
        for await (const _ of ticks(ms, undefined, { signal: stopped.signal })) {
          written.push(await this.write(`row ${written.length}`));
        }
      } catch (error) {
        if (!stopped.signal.aborted) throw error;
      }
      return written;
    })();
    return () => {
      stopped.abort();
      return work;
    };
  }
}
