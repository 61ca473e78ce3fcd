// Light or dark: what the system says, until the visitor chooses. Blocked storage only makes the choice forgotten.
const KEY = "theme";
const root = document.documentElement;

export type Theme = "light" | "dark";

const systemTheme = (): Theme => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

export const currentTheme = (): Theme => (root.dataset["theme"] as Theme | undefined) ?? systemTheme();

export function restoreTheme() {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept) root.dataset["theme"] = kept;
  } catch {
    // The system's theme it is.
  }
}

export function chooseTheme(theme: Theme) {
  root.dataset["theme"] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds until the page is closed.
  }
}
