// Where a menu opens: over the page, yet inside its main part, so that nothing lies outside every landmark.

import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";

import { Icon } from "./Icon";

export function MenuBox({ align = "end", children }: { align?: "start" | "end"; children: ReactNode }) {
  return (
    <Menu.Portal container={document.getElementById("main")}>
      <Menu.Positioner
        className="over"
        align={align}
        sideOffset={6}
        onClick={(event) => event.stopPropagation()} // what is chosen here is no click on what lies around the button
      >
        <Menu.Popup className="menu">{children}</Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  );
}

/** One of several, of which one is chosen. */
export function MenuChoice({ value, text }: { value: string; text: string }) {
  return (
    <Menu.RadioItem value={value} closeOnClick>
      <span className="mark">
        <Menu.RadioItemIndicator>
          <Icon sign="check" size={16} />
        </Menu.RadioItemIndicator>
      </span>
      {text}
    </Menu.RadioItem>
  );
}
