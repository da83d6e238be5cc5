import { defineConfig } from "vite";

export default defineConfig({
  build: {
    // Every asset is a file of its own with a hash in its name, however small.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: {
    proxy: { "/health": "http://127.0.0.1:8080", "/api": "http://127.0.0.1:8080" },
  },
});
