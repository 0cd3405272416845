// A short list that is read page by page, as far down as somebody asks for.

import { useEffect, useRef, useState } from "react";

import { messageOf } from "./deeds";
import { SignedOut } from "./signin";
import type { Connection } from "./sources";

export interface Pages<Node> {
  readonly nodes: readonly Node[] | null; // null until the first page is there
  readonly error: string;
  readonly more: (() => void) | null; // null where there is no more
  readonly again: () => void;
}

/** The pages that `read` gives; another `key` is another list. */
export function usePages<Node>(key: string, read: (after: string | null) => Promise<Connection<Node>>): Pages<Node> {
  const [nodes, setNodes] = useState<readonly Node[] | null>(null);
  const [end, setEnd] = useState<string | null>(null);
  const [error, setError] = useState("");
  const turn = useRef(0); // an answer to an older question is not listened to
  const load = async (after: string | null) => {
    const mine = ++turn.current;
    try {
      const { edges, pageInfo } = await read(after);
      if (mine !== turn.current) return;
      const found = edges.map(({ node }) => node);
      setNodes((known) => (after && known ? [...known, ...found] : found));
      setEnd(pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null);
      setError("");
    } catch (refused) {
      if (mine === turn.current && !(refused instanceof SignedOut)) setError(messageOf(refused));
    }
  };
  useEffect(() => {
    setNodes(null);
    setEnd(null);
    void load(null);
    return () => void turn.current++;
  }, [key]);
  return { nodes, error, more: end ? () => void load(end) : null, again: () => void load(null) };
}
