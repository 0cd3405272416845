// The versions of a file, the newest first; an older one can be had, or made the newest again.

import { useQuery } from "urql";

import { deed, download, tell } from "../deeds";
import { VersionRestore, Versions } from "../details";
import { StorageRestore } from "../contents";
import { isReadable, isSafe } from "../items";
import { make, newKey } from "../vault";
import { moment, say, size } from "../words";
import { Chip } from "./Chip";

const DAYS = 7; // for which a version that is fetched from the archive can be read

export function VersionsTab({ id, current, canEdit }: { id: string; current: number; canEdit: boolean }) {
  const [{ data }, again] = useQuery({ query: Versions, variables: { id } });
  const restore = async (versionNumber: number) => {
    await make(VersionRestore, { input: { fileId: id, versionNumber, idempotencyKey: newKey() } });
    tell(say.versionRestored(versionNumber));
    again({ requestPolicy: "network-only" });
  };
  const fetchBack = (versionNumber: number) =>
    make(StorageRestore, { input: { fileId: id, versionNumber, days: DAYS } });
  return (
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
          </div>
        </li>
      ))}
    </ul>
  );
}
