import js from "@eslint/js";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["node_modules/"] },
  js.configs.recommended,
  ...typescript.configs.strict,
  {
    files: ["src/**/*.ts", "test/**/*.ts"],
    rules: {
      complexity: ["error", 10],
      "max-lines-per-function": ["error", 40],
      "no-console": "error",
      "no-param-reassign": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: { "max-lines-per-function": "off" },
  },
  {
    files: ["*.mjs"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
);
