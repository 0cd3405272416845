// The versions of a file, the newest first; an older one can be had, made the newest again, or deleted; each has a label.

import { useState } from "react";
import { useQuery } from "urql";

import { deed, download, tell } from "../deeds";
import { VersionDelete, VersionLabel, VersionRestore, Versions } from "../details";
import type { VersionsQuery } from "../gql/graphql";
import { StorageRestore } from "../contents";
import { isReadable, isSafe } from "../items";
import { make, newKey } from "../vault";
import { moment, say, size } from "../words";
import { Chip } from "./Chip";
import { NameForm } from "./NameForm";
import { Sure } from "./Sure";

const DAYS = 7; // for which a version that is fetched from the archive can be read

type Version = NonNullable<VersionsQuery["file"]>["versions"]["edges"][number]["node"];

interface Props {
  readonly id: string;
  readonly current: number;
  readonly canEdit: boolean;
  readonly isMine: boolean;
}

export function VersionsTab({ id, current, canEdit, isMine }: Props) {
  const [{ data }, again] = useQuery({ query: Versions, variables: { id } });
  const restore = async (versionNumber: number) => {
    await make(VersionRestore, { input: { fileId: id, versionNumber, idempotencyKey: newKey() } });
    tell(say.versionRestored(versionNumber));
    look();
  };
  const look = () => again({ requestPolicy: "network-only" });
  const [labelled, setLabelled] = useState<Version | null>(null);
  const [doomed, setDoomed] = useState<Version | null>(null);
  const fetchBack = (versionNumber: number) =>
    make(StorageRestore, { input: { fileId: id, versionNumber, days: DAYS } });
  return (
    <>
      <ul className="entries">
        {data?.file?.versions.edges.map(({ node }) => (
          <li key={node.id}>
            <div className="what">
              <b>
                {say.version(node.number)} {node.label && <span className="tag">{node.label}</span>}
              </b>
              <span className="soft">
                {size(node.sizeBytes)} · {moment(node.createdAt)} · {node.createdBy?.displayName ?? say.somebody}
              </span>
            </div>
            <Chip of={node} />
            <div className="line">
              {isReadable(node) && (
                <button type="button" className="button small" onClick={() => void deed(() => download(id, node.number))}>
                  {say.download}
                </button>
              )}
              {isSafe(node) && node.storage.restore === "NEEDED" && (
                <button type="button" className="button small" onClick={() => void deed(() => fetchBack(node.number))}>
                  {say.fetchVersion(node.number)}
                </button>
              )}
              {canEdit && node.number !== current && (
                <button type="button" className="button small" onClick={() => void deed(() => restore(node.number))}>
                  {say.restoreVersion(node.number)}
                </button>
              )}
              {canEdit && (
                <button
                  type="button"
                  className="button small"
                  aria-label={say.labelVersion(node.number)}
                  onClick={() => setLabelled(node)}
                >
                  {say.label}
                </button>
              )}
              {isMine && node.number !== current && (
                <button
                  type="button"
                  className="button small danger"
                  aria-label={say.deleteVersion(node.number)}
                  onClick={() => setDoomed(node)}
                >
                  {say.delete}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {labelled && (
        <NameForm
          title={say.labelVersion(labelled.number)}
          label={say.labelText}
          action={say.save}
          first={labelled.label ?? ""}
          maxLength={100}
          isOptional
          give={(label) =>
            make(VersionLabel, { input: { fileId: id, versionNumber: labelled.number, label: label || null } }).then(look)
          }
          onClose={() => setLabelled(null)}
        />
      )}
      {doomed && (
        <Sure
          action={say.deleteVersion(doomed.number)}
          text={say.purgeAsk(1)}
          run={() => make(VersionDelete, { input: { fileId: id, versionNumber: doomed.number } }).then(look)}
          onClose={() => setDoomed(null)}
        />
      )}
    </>
  );
}
