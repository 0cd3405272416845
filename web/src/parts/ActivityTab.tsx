// What was done to a file or folder, by whom and when, the newest first: for those who may share it.

import { change, deedOf, named, type Deed } from "../audit";
import { ActivityOf } from "../details";
import type { ActivityOfQuery } from "../gql/graphql";
import { usePages } from "../pages";
import { ask } from "../vault";
import { useMe } from "../viewer";
import { moment, say } from "../words";
import { Report } from "./Report";

type Found = NonNullable<ActivityOfQuery["node"]>;
type History = Extract<Found, { __typename: "File" }>["history"];

const NOTHING = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };

export function ActivityTab({ id }: { id: string }) {
  const me = useMe();
  const { nodes, error, more } = usePages<Deed>(id, async (after) => {
    const { node } = await ask(ActivityOf, { id, after });
    const history: History = node && "history" in node ? node.history : NOTHING;
    return named(me.id, history);
  });
  return (
    <>
      <Report id={id} />
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
      {nodes?.length === 0 && <p className="soft">{say.noActivity}</p>}
      <ol className="entries" aria-label={say.tabs.activity}>
        {nodes?.map((entry) => (
          <li key={entry.id}>
            <div className="what">
              <b>{deedOf(entry.action)}</b>
              <span className="soft">
                {[entry.who, moment(entry.at), entry.versionNumber && say.version(entry.versionNumber), change(entry)]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
              {entry.reason && <span className="soft">{entry.reason}</span>}
            </div>
            {entry.decision === "DENIED" && (
              <span className="chip" data-state="FAILED">
                {say.decisions.DENIED}
              </span>
            )}
          </li>
        ))}
      </ol>
      {more && (
        <button type="button" className="button" onClick={more}>
          {say.showMore}
        </button>
      )}
    </>
  );
}
