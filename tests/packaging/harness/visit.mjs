// A visit to a page by a browser that has never been there. What the page complains of is kept, and fails the visit
// unless the test takes it; waiting is for conditions, never for time.
import assert from "node:assert/strict";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { surroundings } from "./tarball.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

let browser;
after(async () => (await browser)?.close());

class Visit {
  complaints = [];
  /** The text of each answer, by path. */
  downloads = new Map();

  async open(url) {
    browser ??= chromium.launch({ executablePath: surroundings("CHROMIUM"), args: FLAGS });
    this.context = await (await browser).newContext();
    this.page = await this.context.newPage();
    this.page.on("pageerror", (error) => this.complaints.push(error.stack || String(error)));
    this.page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    this.page.on("requestfinished", async (request) => {
      const { pathname } = new URL(request.url());
      this.downloads.set(pathname, "");
      const response = await request.response();
      this.downloads.set(pathname, await response.text().catch(() => ""));
    });
    await this.page.goto(url);
  }

  reload() {
    return this.page.reload();
  }

  evaluate(look, argument) {
    return this.page.evaluate(look, argument);
  }

  /** Waits until `look`, a function that runs in the page, answers something true. */
  sees(look, argument) {
    return this.page.waitForFunction(look, argument, { timeout: 30_000 });
  }

  /** Waits for `window.bridge` to have this status. */
  async status(status) {
    await this.sees((status) => window.bridge?.getSnapshot().status === status, status);
  }

  /** Waits for this to be all the text there is. */
  async shows(text) {
    await this.sees((text) => document.body.innerText.trim() === text, text);
  }

  /** Says what it waited for and what the page said. */
  async explain(error) {
    const state = await this.page?.evaluate(() => JSON.stringify(window.bridge?.getSnapshot())).catch(String);
    const body = await this.page?.evaluate(() => document.body.innerText).catch(String);
    error.message += `\n--- state\n${state}\n--- page\n${body}\n--- complaints\n${this.complaints.join("\n")}`;
    throw error;
  }
}

/** Opens a page, hands the visit to `look`, and demands that the page had nothing to complain of. */
export async function visit(url, look) {
  const page = new Visit();
  try {
    await page.open(url);
    await look(page);
    assert.deepEqual(page.complaints, []);
  } catch (error) {
    await page.explain(error);
  } finally {
    await page.context?.close();
  }
}
