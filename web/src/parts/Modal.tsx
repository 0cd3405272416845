// A question or a form over the page, which waits for an answer.

import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";

import { say } from "../words";
import { Icon } from "./Icon";

interface Props {
  readonly title: string;
  readonly isOpen?: boolean;
  readonly isWide?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Modal({ title, isOpen = true, isWide = false, onClose, children }: Props) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(now) => !now && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className={isWide ? "modal wide" : "modal"}>
          <header>
            <Dialog.Title className="modal-title">{title}</Dialog.Title>
            <Dialog.Close className="button round small" aria-label={say.close}>
              <Icon sign="close" size={18} />
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
