// Other terms for a share or a link that is there: what is left as it is stays so.

import { useId } from "react";

import { LinkUpdate, ShareUpdate } from "../details";
import type { Role, SharesFragment, LinksFragment } from "../gql/graphql";
import { make } from "../vault";
import { say } from "../words";
import { Ask, Field, dateOf, end, start, text } from "./Ask";
import { Modal } from "./Modal";

export const ROLES: readonly Role[] = ["VIEWER", "COMMENTER", "EDITOR", "MANAGER"];

export type Share = SharesFragment["edges"][number]["node"];
export type Link = LinksFragment["edges"][number]["node"];

interface Props<Of> {
  readonly of: Of;
  readonly look: () => void;
  readonly onClose: () => void;
}

export function ShareTerms({ of: share, look, onClose }: Props<Share>) {
  const send = async (fields: FormData) => {
    const role = roleOf(fields);
    const { id: shareId, revision: ifVersion } = share;
    await make(ShareUpdate, { input: { shareId, role, expiresAt: endOf(fields, share.expiresAt), ifVersion } });
    look();
    onClose();
  };
  return (
    <Modal title={say.changeShareOf(share.grantee.displayName)} onClose={onClose}>
      <Ask send={send} action={say.save}>
        <RoleField role={share.role} />
        <Field label={say.endsOn} name="until" type="date" defaultValue={dateOf(share.expiresAt)} />
      </Ask>
    </Modal>
  );
}

export function LinkTerms({ of: link, look, onClose }: Props<Link>) {
  const send = async (fields: FormData) => {
    const password = text(fields, "password");
    const begin = text(fields, "from") === dateOf(link.startsAt) ? (link.startsAt ?? null) : start(fields);
    await make(LinkUpdate, {
      input: {
        shareLinkId: link.id,
        ...((password || fields.has("open")) && { password: password || null }),
        startsAt: begin,
        expiresAt: endOf(fields, link.expiresAt),
        maxDownloads: Number(text(fields, "max")) || null,
        viewOnly: fields.has("viewOnly"),
        ifVersion: link.revision,
      },
    });
    look();
    onClose();
  };
  return (
    <Modal title={say.changeLink} onClose={onClose}>
      <Ask send={send} action={say.save}>
        <Field
          label={link.hasPassword ? say.otherPassword : say.password}
          name="password"
          type="password"
          minLength={8}
          autoComplete="new-password"
        />
        <Field label={say.startsOn} name="from" type="date" defaultValue={dateOf(link.startsAt)} />
        <Field label={say.endsOn} name="until" type="date" defaultValue={dateOf(link.expiresAt)} />
        <Field label={say.maxDownloads} name="max" type="number" min={1} defaultValue={link.maxDownloads ?? ""} />
        <div>
          <label className="check-line">
            <input type="checkbox" name="viewOnly" defaultChecked={link.viewOnly} /> {say.viewOnly}
          </label>
          {link.hasPassword && (
            <label className="check-line">
              <input type="checkbox" name="open" /> {say.withoutPassword}
            </label>
          )}
        </div>
      </Ask>
    </Modal>
  );
}

export function RoleField({ role = "VIEWER" }: { role?: Role }) {
  const id = useId();
  return (
    <div className="stack">
      <label htmlFor={id}>{say.role}</label>
      <select id={id} name="role" defaultValue={role}>
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {say.roles[one]}
          </option>
        ))}
      </select>
    </div>
  );
}

export function roleOf(fields: FormData): Role {
  return ROLES.find((one) => one === fields.get("role")) ?? "VIEWER";
}

/** The end of the day that was chosen, or the very moment of before where the day is the same. */
function endOf(fields: FormData, before: string | null | undefined): string | null {
  return text(fields, "until") === dateOf(before) ? (before ?? null) : end(fields);
}
