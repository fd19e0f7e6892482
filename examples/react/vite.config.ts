import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Modern browsers only, as the popup itself; no inline script, for the policy.
export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", modulePreload: { polyfill: false } },
});
