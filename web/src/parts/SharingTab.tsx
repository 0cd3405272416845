// Who else gets at a file or folder: people with a role, and whoever has a link.

import { useState } from "react";
import { useQuery } from "urql";

import { deed, tell } from "../deeds";
import { LinkCreate, LinkRevoke, ShareGrant, ShareRevoke, Sharing } from "../details";
import { make, newKey } from "../vault";
import { day, moment, say } from "../words";
import { Ask, Field, Once, end, start, text } from "./Ask";
import { type Link, LinkTerms, RoleField, type Share, ShareTerms, roleOf } from "./Terms";

export function SharingTab({ id, canShare }: { id: string; canShare: boolean }) {
  const [{ data }, again] = useQuery({ query: Sharing, variables: { id } });
  const item = data?.node && "shares" in data.node ? data.node : null;
  const [share, setShare] = useState<Share | null>(null);
  const [link, setLink] = useState<Link | null>(null);
  const look = () => again({ requestPolicy: "network-only" });
  const act = (action: () => Promise<unknown>) => void deed(async () => action().then(look));
  return (
    <>
      <h3>{say.people}</h3>
      <ul className="entries">
        {item?.shares.edges.map(({ node, isInherited }) => (
          <li key={node.id}>
            <div className="what">
              <b>{node.grantee.displayName}</b>
              <span className="soft">
                {node.grantee.email} {node.expiresAt && say.until(day(node.expiresAt))} {isInherited && say.inherited}
              </span>
            </div>
            <span className="tag">{say.roles[node.role]}</span>
            {canShare && !isInherited && (
              <button
                type="button"
                className="button small"
                aria-label={say.changeShareOf(node.grantee.displayName)}
                onClick={() => setShare(node)}
              >
                {say.change}
              </button>
            )}
            <button
              type="button"
              className="button small"
              aria-label={say.revokeShareOf(node.grantee.displayName)}
              onClick={() => act(() => make(ShareRevoke, { input: { shareId: node.id } }))}
            >
              {say.revoke}
            </button>
          </li>
        ))}
      </ul>
      {item?.shares.edges.length === 0 && <p className="soft">{say.sharedWithNobody}</p>}
      {canShare && <Grant {...{ id, look }} />}
      {canShare && <h3>{say.links}</h3>}
      <ul className="entries">
        {item?.links.edges
          .filter(({ node }) => !node.revokedAt)
          .map(({ node }) => (
            <li key={node.id}>
              <div className="what">
                <b>{say.linkOf(moment(node.createdAt))}</b>
                <span className="soft">
                  {[
                    node.hasPassword && say.withPassword,
                    node.viewOnly && say.viewOnly,
                    node.startsAt && say.from(day(node.startsAt)),
                    node.expiresAt && say.until(day(node.expiresAt)),
                    say.downloads(node.downloads, node.maxDownloads ?? null),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
              </div>
              <button
                type="button"
                className="button small"
                aria-label={say.changeLink}
                onClick={() => setLink(node)}
              >
                {say.change}
              </button>
              <button
                type="button"
                className="button small"
                aria-label={say.revokeLink}
                onClick={() => act(() => make(LinkRevoke, { input: { shareLinkId: node.id } }))}
              >
                {say.revoke}
              </button>
            </li>
          ))}
      </ul>
      {canShare && <NewLink {...{ id, look }} />}
      {share && <ShareTerms of={share} look={look} onClose={() => setShare(null)} />}
      {link && <LinkTerms of={link} look={look} onClose={() => setLink(null)} />}
    </>
  );
}

function Grant({ id, look }: { id: string; look: () => void }) {
  const send = async (fields: FormData) => {
    const role = roleOf(fields);
    const email = text(fields, "email");
    await make(ShareGrant, { input: { itemId: id, email, role, expiresAt: end(fields), idempotencyKey: newKey() } });
    tell(say.sharedWith(email));
    look();
  };
  return (
    <Ask send={send} action={say.share}>
      <Field label={say.email} name="email" type="email" required />
      <RoleField />
      <Field label={say.endsOn} name="until" type="date" />
    </Ask>
  );
}

function NewLink({ id, look }: { id: string; look: () => void }) {
  const [url, setUrl] = useState("");
  const send = async (fields: FormData) => {
    const made = await make(LinkCreate, {
      input: {
        itemId: id,
        password: text(fields, "password") || null,
        startsAt: start(fields),
        expiresAt: end(fields),
        maxDownloads: Number(text(fields, "max")) || null,
        viewOnly: fields.has("viewOnly"),
        idempotencyKey: newKey(),
      },
    });
    setUrl(made.url ?? "");
    look();
  };
  return (
    <>
      <Ask send={send} action={say.makeLink}>
        <Field label={say.password} name="password" type="password" minLength={8} autoComplete="new-password" />
        <Field label={say.maxDownloads} name="max" type="number" min={1} />
        <Field label={say.startsOn} name="from" type="date" />
        <Field label={say.endsOn} name="until" type="date" />
        <label className="check-line">
          <input type="checkbox" name="viewOnly" /> {say.viewOnly}
        </label>
      </Ask>
      {url && <Once label={say.linkMade} value={url} />}
    </>
  );
}
