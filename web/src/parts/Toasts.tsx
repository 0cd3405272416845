// What is said for a moment, below the page.

import { Toast } from "@base-ui/react/toast";
import type { ReactNode } from "react";

import { toasts } from "../deeds";
import { say } from "../words";
import { Icon } from "./Icon";

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={toasts} timeout={6000} limit={4}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  return Toast.useToastManager().toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" swipeDirection="right">
      <Toast.Content className="toast-content">
        <Toast.Title className="toast-title" render={<p />} />
        {toast.actionProps && <Toast.Action className="button small" />}
        <Toast.Close className="button round small" aria-label={say.close}>
          <Icon sign="close" size={16} />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
