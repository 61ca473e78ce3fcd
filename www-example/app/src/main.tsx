// Where the page begins.
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { withBridge } from "./parameters";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/panel.css";
import "./styles/segments.css";
import "./styles/sign-in.css";
import "./styles/tasks.css";
import { restoreTheme } from "./ui/theme";

const Comparison = lazy(() => import("./comparison/Comparison"));

restoreTheme();
createRoot(document.getElementById("root")!).render(
  <StrictMode>{withBridge ? <App /> : <Suspense children={<Comparison />} />}</StrictMode>,
);
