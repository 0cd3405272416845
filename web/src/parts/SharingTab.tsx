// Who else gets at a file or folder: people with a role, and whoever has a link.

import { type FormEvent, type ReactNode, useId, useState } from "react";
import { useQuery } from "urql";

import { deed, messageOf, tell } from "../deeds";
import { LinkCreate, LinkRevoke, ShareGrant, ShareRevoke, Sharing } from "../details";
import type { Role } from "../gql/graphql";
import { SignedOut } from "../signin";
import { make, newKey } from "../vault";
import { day, moment, say } from "../words";

const ROLES: readonly Role[] = ["VIEWER", "COMMENTER", "EDITOR", "MANAGER"];

export function SharingTab({ id, canShare }: { id: string; canShare: boolean }) {
  const [{ data }, again] = useQuery({ query: Sharing, variables: { id } });
  const item = data?.node && "shares" in data.node ? data.node : null;
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
                aria-label={say.revokeLink}
                onClick={() => act(() => make(LinkRevoke, { input: { shareLinkId: node.id } }))}
              >
                {say.revoke}
              </button>
            </li>
          ))}
      </ul>
      {canShare && <NewLink {...{ id, look }} />}
    </>
  );
}

interface FormProps {
  readonly send: (fields: FormData) => Promise<void>;
  readonly action: string;
  readonly children: ReactNode;
}

/** A form that keeps what was typed until the vault has taken it. */
function Ask({ send, action, children }: FormProps) {
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError("");
    try {
      await send(new FormData(form));
      form.reset();
    } catch (refused) {
      if (!(refused instanceof SignedOut)) setError(messageOf(refused));
    }
    setBusy(false);
  };
  return (
    <form className="fields" onSubmit={(event) => void submit(event)}>
      {children}
      <button type="submit" className="button primary" disabled={isBusy}>
        {action}
      </button>
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

function Field({ label, ...input }: { label: string } & React.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="stack">
      <label htmlFor={id}>{label}</label>
      <input id={id} autoComplete="off" {...input} />
    </div>
  );
}

function end(fields: FormData): string | null {
  const given = text(fields, "until");
  return given ? new Date(`${given}T23:59:59`).toISOString() : null;
}

function text(fields: FormData, name: string): string {
  const given = fields.get(name);
  return typeof given === "string" ? given : "";
}

function Grant({ id, look }: { id: string; look: () => void }) {
  const select = useId();
  const send = async (fields: FormData) => {
    const role = ROLES.find((one) => one === fields.get("role")) ?? "VIEWER";
    const email = text(fields, "email");
    await make(ShareGrant, { input: { itemId: id, email, role, expiresAt: end(fields), idempotencyKey: newKey() } });
    tell(say.sharedWith(email));
    look();
  };
  return (
    <Ask send={send} action={say.share}>
      <Field label={say.email} name="email" type="email" required />
      <div className="stack">
        <label htmlFor={select}>{say.role}</label>
        <select id={select} name="role">
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {say.roles[role]}
            </option>
          ))}
        </select>
      </div>
      <Field label={say.endsOn} name="until" type="date" />
    </Ask>
  );
}

function NewLink({ id, look }: { id: string; look: () => void }) {
  const [url, setUrl] = useState("");
  const address = useId();
  const send = async (fields: FormData) => {
    const made = await make(LinkCreate, {
      input: {
        itemId: id,
        password: text(fields, "password") || null,
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
        <Field label={say.endsOn} name="until" type="date" />
        <label className="check-line">
          <input type="checkbox" name="viewOnly" /> {say.viewOnly}
        </label>
      </Ask>
      {url && (
        <div className="made" role="status">
          <label htmlFor={address}>{say.linkMade}</label>
          <div className="line">
            <input id={address} readOnly value={url} onFocus={({ target }) => target.select()} />
            <button
              type="button"
              className="button"
              onClick={() => void deed(() => navigator.clipboard.writeText(url).then(() => tell(say.copied)))}
            >
              {say.copy}
            </button>
          </div>
        </div>
      )}
    </>
  );
}
