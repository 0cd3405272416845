// All about one file or folder: a look at it, its versions, what people say, who else gets at it, and what was done to it.

import { Dialog } from "@base-ui/react/dialog";
import { Tabs } from "@base-ui/react/tabs";
import { useQuery } from "urql";

import { deed, download } from "../deeds";
import { Details } from "../details";
import { ActivityTab } from "../parts/ActivityTab";
import { CommentsTab } from "../parts/CommentsTab";
import { Chip, reasonOf } from "../parts/Chip";
import { Icon } from "../parts/Icon";
import { Preview } from "../parts/Preview";
import { SharingTab } from "../parts/SharingTab";
import { Tags } from "../parts/Tags";
import { VersionsTab } from "../parts/VersionsTab";
import { moment, say, size } from "../words";

export default function DetailsPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const [{ data, fetching }] = useQuery({ query: Details, variables: { id } });
  const node = data?.node;
  const file = node?.__typename === "File" ? node : null;
  const item = file ?? (node?.__typename === "Folder" ? node : null);
  return (
    <Dialog.Root open onOpenChange={(now) => !now && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="panel">
          <header>
            <Dialog.Title className="modal-title">{item?.name ?? (fetching ? say.loading : say.gone)}</Dialog.Title>
            <Dialog.Close className="button round small" aria-label={say.close}>
              <Icon sign="close" size={18} />
            </Dialog.Close>
          </header>
          {item && (
            <Tabs.Root defaultValue={file ? "about" : "sharing"} className="tabs">
              <Tabs.List className="tab-list">
                {file && <Tabs.Tab value="about">{say.tabs.about}</Tabs.Tab>}
                {file && <Tabs.Tab value="versions">{say.tabs.versions}</Tabs.Tab>}
                {file && <Tabs.Tab value="comments">{say.tabs.comments}</Tabs.Tab>}
                <Tabs.Tab value="sharing">{say.tabs.sharing}</Tabs.Tab>
                {item.capabilities.canShare && <Tabs.Tab value="activity">{say.tabs.activity}</Tabs.Tab>}
              </Tabs.List>
              {file && (
                <Tabs.Panel value="about" className="tab">
                  <Preview key={file.currentVersion.id} file={file} large={file.thumbnail.large ?? null} />
                  <div className="line">
                    <Chip scan={file.scan} />
                    <button
                      type="button"
                      className="button primary"
                      disabled={file.scan.status !== "CLEAN" || !file.capabilities.canDownload}
                      onClick={() => void deed(() => download(file.id))}
                    >
                      <Icon sign="down" />
                      {say.download}
                    </button>
                  </div>
                  {reasonOf(file.scan) && <p className="bad">{reasonOf(file.scan)}</p>}
                  <Tags file={file} />
                  <dl className="facts">
                    <Fact name={say.columns.size} value={size(file.sizeBytes)} />
                    <Fact name={say.facts.kind} value={file.contentType} />
                    <Fact name={say.columns.owner} value={file.owner.displayName} />
                    <Fact name={say.facts.created} value={moment(file.createdAt)} />
                    <Fact name={say.columns.updated} value={moment(file.updatedAt)} />
                    <Fact name={say.facts.tier} value={say.tier[file.storage.tier]} />
                    <Fact name={say.facts.digest} value={file.currentVersion.sha256 ?? ""} />
                  </dl>
                </Tabs.Panel>
              )}
              {file && (
                <Tabs.Panel value="versions" className="tab">
                  <VersionsTab id={file.id} current={file.currentVersion.number} canEdit={file.capabilities.canEdit} />
                </Tabs.Panel>
              )}
              {file && (
                <Tabs.Panel value="comments" className="tab">
                  <CommentsTab id={file.id} canComment={file.capabilities.canComment} />
                </Tabs.Panel>
              )}
              <Tabs.Panel value="sharing" className="tab">
                <SharingTab id={item.id} canShare={item.capabilities.canShare} />
              </Tabs.Panel>
              {item.capabilities.canShare && (
                <Tabs.Panel value="activity" className="tab">
                  <ActivityTab id={item.id} />
                </Tabs.Panel>
              )}
            </Tabs.Root>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
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
