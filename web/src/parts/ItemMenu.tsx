// What can be done with one file or folder.

import { Menu } from "@base-ui/react/menu";

import { deed, download, downloadZip } from "../deeds";
import { type Item, isFile } from "../items";
import { ScanRetry, ThumbnailRetry } from "../operations";
import { make } from "../vault";
import { say } from "../words";
import { Icon } from "./Icon";
import { MenuBox } from "./MenuBox";

interface Props {
  readonly item: Item;
  readonly isActive: boolean;
  readonly open: (item: Item) => void;
}

export function ItemMenu({ item, isActive, open }: Props) {
  const { canDownload, canEdit } = item.capabilities;
  const isClean = isFile(item) && item.scan.status === "CLEAN";
  return (
    <Menu.Root>
      <Menu.Trigger
        className="button round small"
        aria-label={say.actionsOf(item.name)}
        tabIndex={isActive ? 0 : -1}
        onClick={(event) => event.stopPropagation()}
      >
        <Icon sign="more" />
      </Menu.Trigger>
      <MenuBox>
            {!isFile(item) && (
              <Menu.Item onClick={() => open(item)}>
                <Icon sign="folder" />
                {say.open}
              </Menu.Item>
            )}
            <Menu.Item
              disabled={!canDownload || (isFile(item) && !isClean)}
              onClick={() => void deed(() => (isFile(item) ? download(item.id) : downloadZip([item.id])))}
            >
              <Icon sign="down" />
              {isFile(item) ? say.download : say.downloadZip}
            </Menu.Item>
            {isFile(item) && canEdit && item.scan.status === "FAILED" && (
              <Menu.Item onClick={() => void deed(() => make(ScanRetry, { input: { fileId: item.id } }))}>
                <Icon sign="clock" />
                {say.scanAgain}
              </Menu.Item>
            )}
            {isClean && canEdit && item.thumbnail.status === "FAILED" && (
              <Menu.Item onClick={() => void deed(() => make(ThumbnailRetry, { input: { fileId: item.id } }))}>
                <Icon sign="image" />
                {say.renderAgain}
              </Menu.Item>
            )}
          </MenuBox>
    </Menu.Root>
  );
}
