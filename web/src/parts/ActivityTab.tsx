// What was done to a file or folder, by whom and when, the newest first: for those who may share it.

import { ActivityOf, People } from "../details";
import type { ActivityOfQuery } from "../gql/graphql";
import { parsed, textField } from "../json";
import { usePages } from "../pages";
import { ask } from "../vault";
import { useMe } from "../viewer";
import { moment, say } from "../words";

type Found = NonNullable<ActivityOfQuery["node"]>;
type History = Extract<Found, { __typename: "File" }>["history"];
type Entry = History["edges"][number]["node"] & { readonly who: string };

const NOTHING = { edges: [], pageInfo: { hasNextPage: false, endCursor: null } };

export function ActivityTab({ id }: { id: string }) {
  const me = useMe();
  const { nodes, error, more } = usePages<Entry>(id, async (after) => {
    const { node } = await ask(ActivityOf, { id, after });
    const history: History = node && "history" in node ? node.history : NOTHING;
    const names = await namesOf(history.edges.map((edge) => edge.node.actor));
    const who = (actor: string) => (actor === me.id ? say.you : (names.get(actor) ?? actorOf(actor)));
    return { ...history, edges: history.edges.map((edge) => ({ node: { ...edge.node, who: who(edge.node.actor) } })) };
  });
  return (
    <>
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

/** Those of the people that one may know of, by their ids. */
async function namesOf(actors: readonly string[]): Promise<Map<string, string>> {
  const ids = [...new Set(actors)].filter((actor) => actor.startsWith("user_"));
  const { nodes } = ids.length ? await ask(People, { ids }) : { nodes: [] };
  return new Map(nodes.flatMap((node) => (node?.__typename === "User" ? [[node.id, node.displayName]] : [])));
}

function actorOf(actor: string): string {
  if (actor.startsWith("worker:") || actor === "operator") return say.theVault;
  return actor.startsWith("link_") ? say.byLink : say.somebody;
}

function deedOf(action: string): string {
  return Object.entries(say.deeds).find(([name]) => name === action)?.[1] ?? action;
}

/** What it was before, and what it is since; "" where a deed is no such change. */
function change({ details }: Entry): string {
  const known = parsed(details);
  const [before, after] = [textField(known, "before"), textField(known, "after")];
  return before && after && before !== after ? say.changed(before, after) : "";
}
