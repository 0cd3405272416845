// The page begins here.

import "./style/base.css";
import "./style/shell.css";
import "./style/files.css";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { dress } from "./preferences";
import { say } from "./words";

dress();
document.documentElement.lang = say.tag;
addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // never somebody's page after them

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <CSPProvider disableStyleElements>
      <App />
    </CSPProvider>,
  );
}
