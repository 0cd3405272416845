// What a link leads to, for people without an account: the one page that asks nobody who they are.

import { print } from "graphql";
import { type FormEvent, useEffect, useId, useState } from "react";

import { save } from "../deeds";
import { graphql } from "../gql";
import type { ShareLinkQuery } from "../gql/graphql";
import { field, textField } from "../json";
import { Icon } from "../parts/Icon";
import { Away, persist, reach } from "../reach";
import { day, say, size } from "../words";

const ShareLink = graphql(`
  query ShareLink($token: String!, $password: String, $itemId: ID, $after: String) {
    shareLink(token: $token, password: $password, itemId: $itemId) {
      itemId
      name
      isFolder
      sizeBytes
      contentType
      updatedAt
      canDownload
      downloadUrl
      thumbnailUrl(size: 1024)
    }
    inside: shareLink(token: $token, password: $password, itemId: $itemId) {
      children(first: 100, after: $after) {
        edges { node { itemId name isFolder sizeBytes updatedAt canDownload downloadUrl } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

type Shared = NonNullable<ShareLinkQuery["shareLink"]>;
type Child = NonNullable<NonNullable<ShareLinkQuery["inside"]>["children"]>["edges"][number]["node"];
type State = "looking" | "closed" | "locked" | "open";

interface Look {
  readonly state: State;
  readonly item: Shared | null;
  readonly children: readonly Child[];
  readonly after: string | null;
  readonly message: string;
}

const BLANK: Look = { state: "looking", item: null, children: [], after: null, message: "" };

async function look(token: string, password: string, itemId: string | null, after: string | null): Promise<Look> {
  const variables = { token, password: password || null, itemId, after };
  const answer = await persist(() =>
    reach("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: print(ShareLink), variables }),
    }),
  );
  const body: unknown = await answer.json().catch(() => {
    throw new Away();
  });
  const [error] = [field(body, "errors")].flat();
  if (error) {
    const message = password ? (textField(error, "message") ?? "") : "";
    return { ...BLANK, state: "locked", message };
  }
  const { shareLink, inside } = (field(body, "data") ?? {}) as ShareLinkQuery; // as the contract says
  if (!shareLink) return { ...BLANK, state: "closed" };
  const { edges = [], pageInfo } = inside?.children ?? {};
  const next = pageInfo?.hasNextPage ? (pageInfo.endCursor ?? null) : null;
  return { ...BLANK, state: "open", item: shareLink, children: edges.map(({ node }) => node), after: next };
}

export default function LinkPage({ token }: { token: string }) {
  const [seen, setSeen] = useState<Look>(BLANK);
  const [password, setPassword] = useState("");
  const [way, setWay] = useState<readonly (string | null)[]>([null]);
  const [problem, setProblem] = useState("");
  const here = way.at(-1) ?? null;
  const open = (typed: string, itemId: string | null) => void look(token, typed, itemId, null).then(setSeen);
  useEffect(() => open("", null), [token]);
  const go = (next: readonly (string | null)[]) => {
    setWay(next);
    open(password, next.at(-1) ?? null);
  };
  const more = async () => {
    const next = await look(token, password, here, seen.after);
    setSeen({ ...next, children: [...seen.children, ...next.children] });
  };
  const take = async (url: string) => {
    setProblem("");
    const secret = btoa(String.fromCharCode(...new TextEncoder().encode(`link:${password}`)));
    const headers = { Accept: "application/json", ...(password && { Authorization: `Basic ${secret}` }) };
    const answer = await persist(() => reach(url, { headers }));
    const told: unknown = await answer.json();
    const address = textField(told, "url");
    if (address) save(address);
    else setProblem(textField(told, "detail") ?? say.wentWrong);
  };
  return (
    <main className="public">
      <title>{`${seen.item?.name ?? say.sharedByLink} – ${say.brand}`}</title>
      <p className="brand">
        <img src="/favicon.svg" alt="" width="30" height="30" />
        {say.brand}
      </p>
      {seen.state === "looking" && <p className="soft">{say.loading}…</p>}
      {seen.state === "closed" && (
        <>
          <h1>{say.linkClosed}</h1>
          <p className="soft">{say.linkClosedText}</p>
        </>
      )}
      {seen.state === "locked" && (
        <Locked message={seen.message} open={(typed) => (setPassword(typed), open(typed, null))} />
      )}
      {seen.item && (
        <>
          <h1>{seen.item.name}</h1>
          {seen.item.thumbnailUrl && <img className="preview" src={seen.item.thumbnailUrl} alt="" />}
          <p className="soft">
            {seen.item.sizeBytes != null && `${size(seen.item.sizeBytes)} · `}
            {day(seen.item.updatedAt)}
          </p>
          <div className="line">
            {way.length > 1 && (
              <button type="button" className="button" onClick={() => go(way.slice(0, -1))}>
                {say.backUp}
              </button>
            )}
            {seen.item.downloadUrl && (
              <button type="button" className="button primary" onClick={() => void take(seen.item?.downloadUrl ?? "")}>
                <Icon sign="down" />
                {seen.item.isFolder ? say.downloadZip : say.download}
              </button>
            )}
          </div>
          {problem && (
            <p className="bad" role="alert">
              {problem}
            </p>
          )}
          <ul className="entries">
            {seen.children.map((child) => (
              <li key={child.itemId}>
                <Icon sign={child.isFolder ? "folder" : "file"} />
                <div className="what">
                  <button type="button" className="link" onClick={() => go([...way, child.itemId])}>
                    {child.name}
                  </button>
                  {child.sizeBytes != null && <span className="soft">{size(child.sizeBytes)}</span>}
                </div>
              </li>
            ))}
          </ul>
          {seen.after && (
            <button type="button" className="button" onClick={() => void more()}>
              {say.showMore}
            </button>
          )}
        </>
      )}
    </main>
  );
}

function Locked({ message, open }: { message: string; open: (password: string) => void }) {
  const [typed, setTyped] = useState("");
  const id = useId();
  return (
    <form
      className="stack"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        open(typed);
      }}
    >
      <h1>{say.linkLocked}</h1>
      <label htmlFor={id}>{say.linkPassword}</label>
      <input
        id={id}
        type="password"
        required
        autoComplete="off"
        value={typed}
        aria-describedby={`${id}-error`}
        onChange={({ target }) => setTyped(target.value)}
      />
      <p id={`${id}-error`} className="bad" role="alert">
        {message}
      </p>
      <button type="submit" className="button primary">
        {say.open}
      </button>
    </form>
  );
}
