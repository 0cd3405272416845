// Who could read a file or folder between two moments, and who did: for auditors, and those who may share it.

import { useState } from "react";

import { ExposureReport, actorOf } from "../audit";
import type { ExposureReportQuery } from "../gql/graphql";
import { ask } from "../vault";
import { useMe } from "../viewer";
import { moment, say } from "../words";
import { Ask, Field, text } from "./Ask";

type Told = NonNullable<ExposureReportQuery["exposureReport"]>;
type Actor = { readonly actor: string; readonly user?: { readonly displayName: string } | null };

const EVER = "2000-01-01T00:00";

export function Report({ id }: { id: string }) {
  const [span, setSpan] = useState({ since: EVER, until: "" });
  const [told, setTold] = useState<Told | null>(null);
  const send = async (fields: FormData) => {
    const [since, until] = [text(fields, "since") || EVER, text(fields, "until")];
    const asked = { itemId: id, since: new Date(since).toISOString(), until: until ? new Date(until).toISOString() : null };
    const { exposureReport } = await ask(ExposureReport, asked);
    setSpan({ since, until });
    setTold(exposureReport ?? null);
  };
  return (
    <details className="stack">
      <summary>{say.report}</summary>
      <Ask send={send} action={say.look}>
        <Field label={say.auditFields.since} name="since" type="datetime-local" defaultValue={span.since} />
        <Field label={say.reportUntil} name="until" type="datetime-local" defaultValue={span.until} />
      </Ask>
      {told && <Lists told={told} />}
    </details>
  );
}

function Lists({ told }: { told: Told }) {
  const { completeSince, completeUntil, couldRead, didRead, isTruncated } = told;
  return (
    <div role="status" className="stack">
      <p className="soft">{say.reportComplete(moment(completeSince), moment(completeUntil))}</p>
      {isTruncated && <p className="bad">{say.reportCut}</p>}
      <h3>{say.couldRead}</h3>
      <ul className="entries" aria-label={say.couldRead}>
        {couldRead.map((span, at) => (
          <One key={at} of={span}>
            {[
              say.ways[span.way],
              span.viewOnly ? say.reportLooks : say.roles[span.role],
              `${moment(span.since)} – ${moment(span.until)}`,
            ]}
          </One>
        ))}
      </ul>
      <h3>{say.didRead}</h3>
      {didRead.length === 0 && <p className="soft">{say.reportNobody}</p>}
      <ul className="entries" aria-label={say.didRead}>
        {didRead.map((reading, at) => (
          <One key={at} of={reading}>
            {[say.readings[reading.kind](reading.times), `${moment(reading.firstAt)} – ${moment(reading.lastAt)}`]}
          </One>
        ))}
      </ul>
    </div>
  );
}

function One({ of, children }: { of: Actor; children: readonly string[] }) {
  const me = useMe();
  const who = of.actor === me.id ? say.you : (of.user?.displayName ?? actorOf(of.actor));
  return (
    <li>
      <div className="what">
        <b title={of.actor}>{who}</b>
        <span className="soft">{children.join(" · ")}</span>
      </div>
    </li>
  );
}
