import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";

const root = document.querySelector("#root");
const gateway = document.querySelector<HTMLMetaElement>("meta[name=callpop-gateway]")?.content;
if (root === null || gateway === undefined) throw new Error("index.html lacks its parts");

createRoot(root).render(
  <StrictMode>
    <App gateway={gateway} />
  </StrictMode>,
);
