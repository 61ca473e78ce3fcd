// Where the page begins.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Providers } from "./Providers";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/panel.css";
import "./styles/segments.css";
import "./styles/sign-in.css";
import "./styles/tasks.css";
import { restoreTheme } from "./ui/theme";

restoreTheme();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Providers>
      <App />
    </Providers>
  </StrictMode>,
);
