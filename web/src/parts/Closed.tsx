// What can be done about contents that are closed: archived, or kept closed by their scan.

import { useQuery } from "urql";

import { ExposureOf, QuarantineRelease, StorageRestore } from "../contents";
import { isSafe } from "../items";
import { make } from "../vault";
import { day, moment, say } from "../words";
import type { Detailed } from "./AboutTab";
import { Ask, Field, text } from "./Ask";

const DAYS_MAX = 30;

export function Archived({ file }: { file: Detailed }) {
  const { restore, restoredUntil, restoreExpectedAt } = file.storage;
  if (!isSafe(file)) return null;
  if (restore === "RESTORED") return restoredUntil ? <p>{say.readableUntil(day(restoredUntil))}</p> : null;
  if (restore === "IN_PROGRESS") return <p>{say.expectedBy(restoreExpectedAt ? moment(restoreExpectedAt) : "")}</p>;
  if (restore !== "NEEDED") return null;
  const send = async (fields: FormData) => {
    await make(StorageRestore, { input: { fileId: file.id, days: Number(text(fields, "days")) } });
  };
  return (
    <section className="made" aria-label={say.isArchived}>
      <p>{say.archivedText}</p>
      {file.capabilities.canDownload && (
        <Ask send={send} action={say.restoreFile}>
          <Field label={say.restoreDays} name="days" type="number" min={1} max={DAYS_MAX} defaultValue={7} required />
        </Ask>
      )}
    </section>
  );
}

export function Quarantined({ file }: { file: Detailed }) {
  const { status, release } = file.scan;
  if (release) return <p>{say.releasedBy(release.by?.displayName ?? say.somebody, moment(release.at), release.reason)}</p>;
  if (status !== "UNSCANNABLE" || !file.capabilities.canShare) return null;
  const send = async (fields: FormData) => {
    await make(QuarantineRelease, { input: { fileId: file.id, reason: text(fields, "reason") } });
  };
  return (
    <section className="made" aria-label={say.release}>
      <p>{say.releaseText}</p>
      <Ask send={send} action={say.release}>
        <Field label={say.releaseReason} name="reason" maxLength={500} required />
      </Ask>
    </section>
  );
}

/** Who had it before it was found to be infected, so that they can be told. */
export function Exposed({ id }: { id: string }) {
  const [{ data, error }] = useQuery({ query: ExposureOf, variables: { id }, requestPolicy: "network-only" });
  const readers = data?.exposure?.readers ?? [];
  return (
    <section className="stack" aria-label={say.exposed}>
      <h3>{say.exposed}</h3>
      {error && <p className="bad">{say.wentWrong}</p>}
      {data && readers.length === 0 && <p className="soft">{say.exposedNobody}</p>}
      <ul className="entries">
        {readers.map(({ user, shareLinkId, times, firstAt }) => (
          <li key={user?.id ?? shareLinkId ?? firstAt}>
            <div className="what">
              <b>{user?.displayName ?? (shareLinkId ? say.byLink : say.somebody)}</b>
              <span className="soft">{[user?.email, say.exposedTimes(times, moment(firstAt))].filter(Boolean).join(" · ")}</span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
