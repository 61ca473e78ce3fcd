// The button that turns light to dark and back.
import { useState } from "react";
import { chooseTheme, currentTheme } from "./theme";

export function ThemeSwitch() {
  const [theme, setTheme] = useState(currentTheme);
  const other = theme === "dark" ? "light" : "dark";
  const turn = () => {
    chooseTheme(other);
    setTheme(other);
  };
  return (
    <button className="icon-button" onClick={turn} aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        {theme === "dark" ? (
          <path d="M10 3v1.5M10 15.5V17M3 10h1.5M15.5 10H17M5 5l1 1M14 14l1 1M5 15l1-1M14 6l1-1M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z" />
        ) : (
          <path d="M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z" />
        )}
      </svg>
    </button>
  );
}
