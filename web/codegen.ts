import type { CodegenConfig } from "@graphql-codegen/cli";

// Every operation in src/ is checked against the contract and typed by it; one that does not fit ends the build.
const config: CodegenConfig = {
  schema: "../schema/schema.graphql",
  documents: ["src/**/*.ts", "src/**/*.tsx", "!src/gql/**"],
  generates: {
    "./src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        defaultScalarType: "unknown", // of a scalar that no operation here uses
        immutableTypes: true,
        enumsAsTypes: true,
        scalars: { ID: "string", Date: "string", ByteSize: "number", DateTime: "string", Sha256: "string", URL: "string" },
      },
    },
  },
};

export default config;
