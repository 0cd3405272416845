// The audit log, for auditors: who did what, from where, found by what is known of it; and where its chain is signed.

import { type FormEvent, useEffect, useId, useState } from "react";

import { AuditCheckpoint, AuditEvents, type Form, change, deedOf, exported, isSigned, named } from "../audit";
import { deed, messageOf, tell } from "../deeds";
import type { AuditEventsQuery, AuditWhere } from "../gql/graphql";
import { parsed } from "../json";
import { usePages } from "../pages";
import { Field, text } from "../parts/Ask";
import { Report } from "../parts/Report";
import { Sheet } from "../parts/Sheet";
import { ask } from "../vault";
import { useMe } from "../viewer";
import { moment, say } from "../words";

type Found = AuditEventsQuery["auditEvents"]["edges"][number]["node"];
type Entry = Found & { readonly who: string; readonly what: string };

export default function AuditPage() {
  const me = useMe();
  const [where, setWhere] = useState<AuditWhere>({});
  const { nodes, error, more } = usePages<Entry>(JSON.stringify(where), async (after) =>
    named(me.id, (await ask(AuditEvents, { after, where })).auditEvents),
  );
  return (
    <Sheet name={say.audit}>
      <p className="soft">{say.auditText}</p>
      <Signed />
      <Filter key={JSON.stringify(where)} {...{ where, setWhere }} />
      {where.itemId && <Report key={where.itemId} id={where.itemId} />}
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
      {nodes?.length === 0 && <p className="soft">{say.nothingFits}</p>}
      <ol className="entries" aria-label={say.audit}>
        {nodes?.map((entry) => (
          <One key={entry.id} entry={entry} narrow={(more) => setWhere({ ...where, ...more })} />
        ))}
      </ol>
      {more && (
        <button type="button" className="button" onClick={more}>
          {say.showMore}
        </button>
      )}
    </Sheet>
  );
}

/** The newest checkpoint, whose signature is verified here. */
function Signed() {
  const [told, setTold] = useState("");
  const [line, setLine] = useState("");
  const [isGood, setGood] = useState(true);
  useEffect(() => {
    const look = async () => {
      const { auditCheckpoint: found } = await ask(AuditCheckpoint, {});
      if (!found) return setTold(say.notSigned);
      const holds = await isSigned(found).catch(() => false);
      setGood(holds);
      setLine(found.line);
      setTold(holds ? say.signedUpTo(found.seq, moment(found.at)) : say.badlySigned(found.seq));
    };
    look().catch((error: unknown) => setTold(messageOf(error)));
  }, []);
  const copy = () => navigator.clipboard.writeText(line).then(() => tell(say.copied));
  return (
    <div className="made" role="status">
      <p className={isGood ? undefined : "bad"}>{told}</p>
      {line && <Exports />}
      {line && (
        <div className="line">
          <button type="button" className="button small" onClick={() => void deed(copy)}>
            {say.copyCheckpoint}
          </button>
          <span className="soft">{say.checkpointText}</span>
        </div>
      )}
    </div>
  );
}

/** Two ways out of the vault, and how far the one under way is. */
function Exports() {
  const [percent, setPercent] = useState<number | null>(null);
  const take = (form: Form) => async () => {
    setPercent(0);
    try {
      await exported(form, setPercent);
    } finally {
      setPercent(null);
    }
  };
  return (
    <div className="line">
      <button type="button" className="button small" disabled={percent !== null} onClick={() => void deed(take("ndjson"))}>
        {say.exportEvidence}
      </button>
      <button type="button" className="button small" disabled={percent !== null} onClick={() => void deed(take("csv"))}>
        {say.exportTable}
      </button>
      {percent === null ? (
        <span className="soft">{say.exportText}</span>
      ) : (
        <progress aria-label={say.exporting} max={100} value={percent} />
      )}
    </div>
  );
}

function Filter({ where, setWhere }: { where: AuditWhere; setWhere: (where: AuditWhere) => void }) {
  const [action, decision] = [useId(), useId()];
  const look = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [deeds, verdict] = [text(fields, "action"), text(fields, "decision")];
    setWhere({
      actions: deeds ? [deeds] : null,
      decision: verdict === "ALLOWED" || verdict === "DENIED" ? verdict : null,
      since: at(text(fields, "since")),
      until: at(text(fields, "until")),
      actor: text(fields, "actor").trim() || null,
      itemId: text(fields, "itemId").trim() || null,
      ip: text(fields, "ip").trim() || null,
      detail: text(fields, "detail").trim() || null,
    });
  };
  return (
    <form className="fields" onSubmit={look} aria-label={say.filter}>
      <div className="pair">
        <div className="stack">
          <label htmlFor={action}>{say.auditFields.action}</label>
          <select id={action} name="action" defaultValue={where.actions?.[0] ?? ""}>
            <option value="">{say.all}</option>
            {Object.entries(say.deeds).map(([name, words]) => (
              <option key={name} value={name}>
                {`${words} (${name})`}
              </option>
            ))}
          </select>
        </div>
        <div className="stack">
          <label htmlFor={decision}>{say.auditFields.decision}</label>
          <select id={decision} name="decision" defaultValue={where.decision ?? ""}>
            <option value="">{say.all}</option>
            <option value="ALLOWED">{say.decisions.ALLOWED}</option>
            <option value="DENIED">{say.decisions.DENIED}</option>
          </select>
        </div>
      </div>
      <Field label={say.auditFields.since} name="since" type="datetime-local" defaultValue={local(where.since)} />
      <Field label={say.auditFields.until} name="until" type="datetime-local" defaultValue={local(where.until)} />
      <Field label={say.auditFields.actor} name="actor" defaultValue={where.actor ?? ""} />
      <Field label={say.auditFields.itemId} name="itemId" defaultValue={where.itemId ?? ""} />
      <Field label={say.auditFields.ip} name="ip" defaultValue={where.ip ?? ""} />
      <Field label={say.auditFields.detail} name="detail" defaultValue={where.detail ?? ""} />
      <div className="line">
        <button type="submit" className="button primary">
          {say.look}
        </button>
        <button type="button" className="button" onClick={() => setWhere({})}>
          {say.clearFilter}
        </button>
      </div>
    </form>
  );
}

/** The moment of a field of dates and times, in the reader's zone. */
function at(given: string): string | null {
  return given ? new Date(given).toISOString() : null;
}

function local(moment: string | null | undefined): string {
  if (!moment) return "";
  const then = new Date(moment);
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function One({ entry, narrow }: { entry: Entry; narrow: (where: AuditWhere) => void }) {
  const { seq, actor, itemId, versionNumber, ip, agent, requestId, reason, details, hash } = entry;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    [say.auditFields.ip, ip],
    [say.auditFacts.agent, agent],
    [say.auditFacts.request, requestId],
    [say.auditFacts.action, entry.action],
    [say.auditFacts.details, JSON.stringify(parsed(details), null, 1)],
    [say.auditFacts.digest, hash],
  ];
  return (
    <li>
      <div className="what">
        <b>{deedOf(entry.action)}</b>
        <span className="soft">
          <button type="button" className="link" title={actor} onClick={() => narrow({ actor })}>
            {entry.who}
          </button>
          {` · ${moment(entry.at)}`}
          {itemId && " · "}
          {itemId && (
            <button type="button" className="link" title={itemId} onClick={() => narrow({ itemId })}>
              {entry.what}
            </button>
          )}
          {versionNumber && ` · ${say.version(versionNumber)}`}
          {change(entry) && ` · ${change(entry)}`}
        </span>
        {reason && <span className="soft">{reason}</span>}
        <details>
          <summary>{say.row(seq)}</summary>
          <dl className="facts">
            {facts.map(([name, value]) => value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      </div>
      {entry.decision === "DENIED" && (
        <span className="chip" data-state="FAILED">
          {say.decisions.DENIED}
        </span>
      )}
    </li>
  );
}
