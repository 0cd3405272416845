// What can be done with one file or folder.

import { Menu } from "@base-ui/react/menu";
import { useState } from "react";

import { deed, download, downloadZip } from "../deeds";
import { copy, rename, restoreAll, trashAll } from "../deedsOnItems";
import { type Item, isFile, isReadable } from "../items";
import { ScanRetry, ThumbnailRetry } from "../operations";
import { go, useRoute } from "../route";
import { make } from "../vault";
import { useMe } from "../viewer";
import { say } from "../words";
import { Icon, type Sign } from "./Icon";
import { MenuBox } from "./MenuBox";
import { NameForm } from "./NameForm";

interface Props {
  readonly item: Item;
  readonly isActive: boolean;
  readonly open: (item: Item) => void;
}

export function ItemMenu({ item, isActive, open }: Props) {
  const [isNaming, setNaming] = useState(false);
  return (
    <span onClick={(event) => event.stopPropagation()} role="presentation">
      <Menu.Root>
        <Menu.Trigger
          className="button round small"
          aria-label={say.actionsOf(item.name)}
          tabIndex={isActive ? 0 : -1}
        >
          <Icon sign="more" />
        </Menu.Trigger>
        <MenuBox>
          {item.trashedAt ? <InTrash item={item} /> : <InPlace {...{ item, open }} name={() => setNaming(true)} />}
        </MenuBox>
      </Menu.Root>
      {isNaming && (
        <NameForm
          title={say.rename}
          label={say.renameOf(item.name)}
          action={say.rename}
          first={item.name}
          give={(name) => rename(item, name)}
          onClose={() => setNaming(false)}
        />
      )}
    </span>
  );
}

function InTrash({ item }: { item: Item }) {
  const me = useMe();
  return <Choice sign="undo" name={say.restore} run={() => restoreAll([item], me.again)} />;
}

function InPlace({ item, open, name }: { item: Item; open: (item: Item) => void; name: () => void }) {
  const route = useRoute();
  const me = useMe();
  const { canDownload, canEdit, canDelete } = item.capabilities;
  const isClean = isFile(item) && item.scan.status === "CLEAN";
  return (
    <>
      {!isFile(item) && <Choice sign="folder" name={say.open} run={async () => open(item)} />}
      <Choice
        sign="down"
        name={isFile(item) ? say.download : say.downloadZip}
        isOff={!canDownload || (isFile(item) && !isReadable(item))}
        run={() => (isFile(item) ? download(item.id) : downloadZip([item.id]))}
      />
      <Choice
        sign={isFile(item) ? "info" : "people"}
        name={isFile(item) ? say.details : say.share}
        run={async () => go({ ...route, open: item.id })}
      />
      <Choice sign="pen" name={say.rename} isOff={!canEdit} run={async () => name()} />
      {isFile(item) && item.parent && (
        <Choice sign="copy" name={say.makeCopy} isOff={!canDownload} run={() => copy(item, me.again)} />
      )}
      {isFile(item) && canEdit && item.scan.status === "FAILED" && (
        <Choice sign="clock" name={say.scanAgain} run={() => make(ScanRetry, { input: { fileId: item.id } })} />
      )}
      {isClean && canEdit && item.thumbnail.status === "FAILED" && (
        <Choice sign="image" name={say.renderAgain} run={() => make(ThumbnailRetry, { input: { fileId: item.id } })} />
      )}
      <Choice sign="trash" name={say.toTrash} isOff={!canDelete} run={() => trashAll([item], me.again)} />
    </>
  );
}

function Choice(props: { sign: Sign; name: string; isOff?: boolean; run: () => Promise<unknown> }) {
  return (
    <Menu.Item disabled={props.isOff ?? false} onClick={() => void deed(props.run)}>
      <Icon sign={props.sign} />
      {props.name}
    </Menu.Item>
  );
}
