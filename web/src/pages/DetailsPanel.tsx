// All about one file or folder: a look at it, its versions, what people say, who else gets at it, and what was done to it.

import { Dialog } from "@base-ui/react/dialog";
import { Tabs } from "@base-ui/react/tabs";
import { useQuery } from "urql";

import { Details } from "../details";
import { AboutTab } from "../parts/AboutTab";
import { ActivityTab } from "../parts/ActivityTab";
import { CommentsTab } from "../parts/CommentsTab";
import { Costs } from "../parts/Costs";
import { FolderCosts } from "../parts/FolderCosts";
import { Icon } from "../parts/Icon";
import { SharingTab } from "../parts/SharingTab";
import { VersionsTab } from "../parts/VersionsTab";
import { useMe } from "../viewer";
import { say } from "../words";

export default function DetailsPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const [{ data, fetching }] = useQuery({ query: Details, variables: { id } });
  const node = data?.node;
  const file = node?.__typename === "File" ? node : null;
  const item = file ?? (node?.__typename === "Folder" ? node : null);
  const me = useMe();
  const isTop = id === me.rootId;
  const name = isTop ? say.myFiles : item?.name;
  return (
    <Dialog.Root open onOpenChange={(now) => !now && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="panel">
          <header>
            <Dialog.Title className="modal-title">{name ?? (fetching ? say.loading : say.gone)}</Dialog.Title>
            <Dialog.Close className="button round small" aria-label={say.close}>
              <Icon sign="close" size={18} />
            </Dialog.Close>
          </header>
          {item && (
            <Tabs.Root defaultValue={file ? "about" : isTop ? "cost" : "sharing"} className="tabs">
              <Tabs.List className="tab-list">
                {file && <Tabs.Tab value="about">{say.tabs.about}</Tabs.Tab>}
                {file && <Tabs.Tab value="versions">{say.tabs.versions}</Tabs.Tab>}
                {file && <Tabs.Tab value="comments">{say.tabs.comments}</Tabs.Tab>}
                <Tabs.Tab value="sharing">{say.tabs.sharing}</Tabs.Tab>
                {item.capabilities.canShare && <Tabs.Tab value="activity">{say.tabs.activity}</Tabs.Tab>}
                {!file && <Tabs.Tab value="cost">{say.tabs.cost}</Tabs.Tab>}
              </Tabs.List>
              {file && (
                <Tabs.Panel value="about" className="tab">
                  <AboutTab file={file} />
                </Tabs.Panel>
              )}
              {file && (
                <Tabs.Panel value="versions" className="tab">
                  <VersionsTab
                    id={file.id}
                    current={file.currentVersion.number}
                    canEdit={file.capabilities.canEdit}
                    isMine={file.owner.id === me.id}
                  />
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
              {!file && (
                <Tabs.Panel value="cost" className="tab">
                  <Costs id={item.id} />
                  <FolderCosts id={item.id} />
                </Tabs.Panel>
              )}
            </Tabs.Root>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
