// Who is in, known to everything that is shown.

import { createContext, useContext } from "react";

import type { ViewerQuery } from "./gql/graphql";

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly rootId: string;
  readonly isAuditor: boolean;
  readonly storage: NonNullable<ViewerQuery["viewer"]["storage"]> | null;
  readonly again: () => void; // the quota is another now
}

const NOBODY = { id: "", name: "", email: "", rootId: "", isAuditor: false, storage: null, again: () => {} };
export const Viewing = createContext<Me>(NOBODY);

export function useMe(): Me {
  return useContext(Viewing);
}

export function meOf({ viewer }: ViewerQuery, again: () => void): Me {
  const { id, displayName: name, email, rootFolder, isAuditor, storage } = viewer;
  return { id, name, email: email ?? "", rootId: rootFolder?.id ?? "", isAuditor, storage: storage ?? null, again };
}
