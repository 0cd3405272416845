import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// What is built stands by itself: hashed files under assets/, and nothing inline, so that the policy can forbid it.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/vaultstream/http/site",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
  },
});
