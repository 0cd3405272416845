// A look at a file, what is known of it, and what can be done where its contents are closed.

import { useEffect } from "react";
import { useSubscription } from "urql";

import { FileStatus, ThumbnailHasten } from "../contents";
import { deed, download } from "../deeds";
import type { DetailsQuery } from "../gql/graphql";
import { isReadable } from "../items";
import { make } from "../vault";
import { moment, say, size } from "../words";
import { Chip, reasonOf } from "./Chip";
import { Archived, Exposed, Quarantined } from "./Closed";
import { Costs } from "./Costs";
import { Icon } from "./Icon";
import { Preview } from "./Preview";
import { Tags } from "./Tags";

export type Detailed = Extract<NonNullable<DetailsQuery["node"]>, { __typename: "File" }>;

export function AboutTab({ file }: { file: Detailed }) {
  const { id, currentVersion, scan, thumbnail, storage, capabilities } = file;
  useSubscription({ query: FileStatus, variables: { id } });
  const isWaiting = scan.status === "CLEAN" && thumbnail.status === "PENDING";
  useEffect(() => {
    if (isWaiting) make(ThumbnailHasten, { input: { fileId: id } }).catch(() => {}); // else it comes in its turn
  }, [id, isWaiting]);
  return (
    <>
      <Preview key={currentVersion.id} file={file} large={thumbnail.large ?? null} />
      <div className="line">
        <Chip of={file} />
        <button
          type="button"
          className="button primary"
          disabled={!isReadable(file) || !capabilities.canDownload}
          onClick={() => void deed(() => download(id))}
        >
          <Icon sign="down" />
          {say.download}
        </button>
      </div>
      {reasonOf(scan) && <p className="bad">{reasonOf(scan)}</p>}
      <Archived file={file} />
      <Quarantined file={file} />
      {scan.status === "INFECTED" && capabilities.canShare && <Exposed id={id} />}
      <Tags file={file} />
      <dl className="facts">
        <Fact name={say.columns.size} value={size(file.sizeBytes)} />
        <Fact name={say.facts.kind} value={file.contentType} />
        <Fact name={say.columns.owner} value={file.owner.displayName} />
        <Fact name={say.facts.created} value={moment(file.createdAt)} />
        <Fact name={say.columns.updated} value={moment(file.updatedAt)} />
        <Fact name={say.facts.tier} value={say.tier[storage.tier]} />
        <Fact name={say.facts.digest} value={currentVersion.sha256 ?? ""} />
      </dl>
      <details>
        <summary>{say.whatItCosts}</summary>
        <Costs id={id} />
      </details>
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return value ? (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  ) : null;
}
