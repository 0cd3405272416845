// The versions of a file, the newest first; an older one can be had, or made the newest again.

import { useQuery } from "urql";

import { deed, download, tell } from "../deeds";
import { VersionRestore, Versions } from "../details";
import { make, newKey } from "../vault";
import { moment, say, size } from "../words";
import { Chip } from "./Chip";

export function VersionsTab({ id, current, canEdit }: { id: string; current: number; canEdit: boolean }) {
  const [{ data }, again] = useQuery({ query: Versions, variables: { id } });
  const restore = async (versionNumber: number) => {
    await make(VersionRestore, { input: { fileId: id, versionNumber, idempotencyKey: newKey() } });
    tell(say.versionRestored(versionNumber));
    again({ requestPolicy: "network-only" });
  };
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
          <Chip scan={node.scan} />
          <div className="line">
            {node.scan.status === "CLEAN" && (
              <button type="button" className="button small" onClick={() => void deed(() => download(id, node.number))}>
                {say.download}
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
