import { defineConfig } from "vite";

// The files keep their names, and the browser keeps none of them: the plugin embeds them, and serves them with
// `no-store`. Whatever is inlined would be refused by the page's own policy.
export default defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../crates/kubectl-imagegate/src/console/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    // Of what is shipped in the page.
    license: { fileName: "licences.md" },
    rolldownOptions: {
      output: {
        entryFileNames: "app.js",
        // The editor of the policy is loaded by itself, once it is wanted.
        chunkFileNames: "[name].js",
        assetFileNames: "app[extname]",
      },
    },
  },
});
