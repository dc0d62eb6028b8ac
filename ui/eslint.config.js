import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import reactRefresh from "eslint-plugin-react-refresh";
import tseslint from "typescript-eslint";

/** What each layer may not import: arrows are views → queries → api and views → components → lib. */
const above = {
  lib: ["**/api/http", "**/queries/*", "**/components/*", "**/views/**", "**/state/*"],
  api: ["**/queries/*", "**/components/*", "**/views/**", "**/state/*"],
  components: ["**/api/http", "**/queries/*", "**/views/**"],
  queries: ["**/views/**", "**/components/*"],
};

export default tseslint.config(
  { ignores: ["dist", "src/api/generated.ts", "public"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "max-lines": ["error", { max: 400 }],
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks, "react-refresh": reactRefresh },
    extends: [jsxA11y.flatConfigs.strict],
    rules: {
      ...reactHooks.configs.recommended.rules,
      // There is no React compiler here whose work a library could prevent.
      "react-hooks/incompatible-library": "off",
      // What scrolls has to be reachable with the keyboard.
      "jsx-a11y/no-noninteractive-tabindex": [
        "error",
        { tags: ["pre"], roles: ["region", "group", "tabpanel"] },
      ],
      "react-refresh/only-export-components": "error",
      "no-restricted-globals": ["error", { name: "fetch", message: "Only api/http.ts fetches." }],
    },
  },
  { files: ["src/api/http.ts"], rules: { "no-restricted-globals": "off" } },
  ...Object.entries(above).map(([layer, group]) => ({
    files: [`src/${layer}/**/*.{ts,tsx}`],
    ignores: ["**/*.test.*"],
    rules: { "no-restricted-imports": ["error", { patterns: [{ group }] }] },
  })),
  {
    files: ["src/**/*.tsx"],
    ignores: ["**/*.test.tsx"],
    rules: { "max-lines": ["error", { max: 250 }] },
  },
  { files: ["eslint.config.js"], extends: [tseslint.configs.disableTypeChecked] },
);
