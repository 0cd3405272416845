// Writes typed documents of operations with the client preset: generate.mjs SCHEMA OPERATIONS OUT
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import { buildSchema, parse } from "graphql";

const [schemaPath, operationsPath, out] = process.argv.slice(2);
const text = readFileSync(schemaPath, "utf8");
const schema = parse(text);
const documents = readdirSync(operationsPath)
  .filter((name) => name.endsWith(".graphql"))
  .map((name) => {
    const rawSDL = readFileSync(join(operationsPath, name), "utf8");
    return { location: name, document: parse(rawSDL), rawSDL };
  });
const config = {
  scalars: { ByteSize: "number", Date: "string", DateTime: "string", Sha256: "string", URL: "string" },
  strictScalars: true,
  enumsAsTypes: true,
  useTypeImports: true,
  documentMode: "string",
};
const files = await preset.buildGeneratesSection({
  baseOutputDir: join(out, "/"),
  schema,
  schemaAst: buildSchema(text),
  documents,
  config,
  plugins: [],
  pluginMap: {},
  presetConfig: { fragmentMasking: false },
});
for (const file of files) {
  mkdirSync(out, { recursive: true });
  writeFileSync(file.filename, await codegen(file));
}
