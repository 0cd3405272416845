// How much of the quota is taken, and by what.

import { to } from "../route";
import { useMe } from "../viewer";
import { say, size } from "../words";

const KINDS = ["live", "versions", "trash", "reserved"] as const;

export function QuotaBar() {
  const { storage, rootId } = useMe();
  if (!storage) return null;
  const { quotaBytes, leftBytes, liveBytes, versionBytes, trashBytes, reservedBytes } = storage;
  const taken = { live: liveBytes, versions: versionBytes, trash: trashBytes, reserved: reservedBytes };
  const used = size(quotaBytes - leftBytes);
  return (
    <div className="quota">
      <h2>{say.storage}</h2>
      <div
        className="quota-bar"
        role="meter"
        aria-label={say.storage}
        aria-valuemin={0}
        aria-valuemax={quotaBytes}
        aria-valuenow={quotaBytes - leftBytes}
        aria-valuetext={say.used(used, size(quotaBytes))}
      >
        {KINDS.filter((kind) => taken[kind] > 0).map((kind) => (
          <span key={kind} data-kind={kind} style={{ inlineSize: `${(100 * taken[kind]) / quotaBytes}%` }} />
        ))}
      </div>
      <p>{say.used(used, size(quotaBytes))}</p>
      <dl>
        {KINDS.filter((kind) => taken[kind] > 0).map((kind) => (
          <div key={kind}>
            <dt data-kind={kind}>{say.usage[kind]}</dt>
            <dd>{size(taken[kind])}</dd>
          </div>
        ))}
      </dl>
      <a href={to({ open: rootId })}>{say.whatItCosts}</a>
    </div>
  );
}
