import { defineConfig, type BuildEnvironmentOptions, type Plugin, type UserConfig } from "vite";

const CONSOLE = "../crates/kubectl-imagegate/src/console/dist";
const PLAYGROUND = "../docs/playground";

/** The editor is built by itself, and both pages load that one file once they want it. */
function editorAt(address: string): Plugin {
  const resolveId = (id: string) => (id.endsWith("/editor.js") ? { id: address, external: "absolute" as const } : null);
  return { name: "editor-apart", enforce: "pre", resolveId };
}

// The files keep their names, and the plugin embeds them and serves them with `no-store`. Whatever is inlined would be
// refused by the pages' own policies.
const common: BuildEnvironmentOptions = {
  target: "es2022",
  assetsInlineLimit: 0,
  modulePreload: false,
  reportCompressedSize: false,
};
const jsx: UserConfig["oxc"] = { jsx: { runtime: "automatic", importSource: "preact" } };

function page(name: string) {
  return { output: { entryFileNames: `${name}.js`, chunkFileNames: "[name].js", assetFileNames: `${name}[extname]` } };
}

const builds: Record<string, UserConfig> = {
  /** The console, which the plugin alone serves, at the root. */
  console: {
    base: "/",
    plugins: [editorAt("/playground/editor.js")],
    build: {
      ...common,
      outDir: CONSOLE,
      emptyOutDir: true,
      // Of what is shipped in the page.
      license: { fileName: "licences.md" },
      rolldownOptions: page("app"),
    },
  },
  /** The playground, which anything serves, wherever it is put. */
  playground: {
    root: "playground",
    base: "./",
    publicDir: "../public",
    plugins: [editorAt("./editor.js")],
    worker: { rolldownOptions: { output: { entryFileNames: "worker.js" } } },
    build: {
      ...common,
      outDir: `../${PLAYGROUND}`,
      // The engine is there, too.
      emptyOutDir: false,
      license: { fileName: "licences.txt" },
      rolldownOptions: page("playground"),
    },
  },
  editor: {
    publicDir: false,
    build: {
      ...common,
      outDir: PLAYGROUND,
      emptyOutDir: false,
      license: { fileName: "editor.licences.txt" },
      rolldownOptions: { ...page("editor"), input: "src/editor/editor.ts", preserveEntrySignatures: "strict" },
    },
  },
};

export default defineConfig(({ mode }) => {
  const build = builds[mode];
  if (!build) throw new Error(`--mode is one of ${Object.keys(builds).join(", ")}`);
  return { ...build, oxc: jsx };
});
