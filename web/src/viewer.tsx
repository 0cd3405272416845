// Who is in, known to everything that is shown.

import { createContext, useContext } from "react";

import type { ViewerQuery } from "./gql/graphql";

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly rootId: string;
  readonly storage: NonNullable<ViewerQuery["viewer"]["storage"]> | null;
  readonly again: () => void; // the quota is another now
}

export const Viewing = createContext<Me>({ id: "", name: "", email: "", rootId: "", storage: null, again: () => {} });

export function useMe(): Me {
  return useContext(Viewing);
}

export function meOf({ viewer }: ViewerQuery, again: () => void): Me {
  const { id, displayName, email, rootFolder, storage } = viewer;
  return { id, name: displayName, email: email ?? "", rootId: rootFolder?.id ?? "", storage: storage ?? null, again };
}
