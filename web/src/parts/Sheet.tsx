// A page that is one sheet under its name: settings, tokens, the audit log.

import type { ReactNode } from "react";

import { say } from "../words";

export function Sheet({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <section className="page" aria-label={name}>
      <title>{`${name} – ${say.brand}`}</title>
      <div className="head">
        <h1>{name}</h1>
      </div>
      <div className="sheet">{children}</div>
    </section>
  );
}
