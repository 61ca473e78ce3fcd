// Chromium, as real as it gets without a screen. Clerk takes an automated browser for one that is offline, so the mark
// of automation is taken off.
import { chromium } from "playwright-core";
import { surroundings } from "./cloud.mjs";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-blink-features=AutomationControlled",
];

export const launch = () => chromium.launch({ executablePath: surroundings("CHROMIUM"), args: FLAGS });
