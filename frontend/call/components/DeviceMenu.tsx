import { useRoomContext } from "@livekit/components-react";
import { useCall } from "../callcontext.ts";
import { canChooseSpeaker, type DeviceKind } from "../devices.ts";
import { useDevices } from "../hooks/useDevices.ts";
import { REMEMBERED_AS, useSwitchDevice } from "../hooks/useSwitchDevice.ts";
import { Icon } from "./Icon.tsx";
import { Menu, MenuItem } from "./Menu.tsx";

/** The arrow beside microphone and camera: another device, at once and for the next time. */
export function DeviceMenu({ kinds, label, testId }: { kinds: DeviceKind[]; label: string; testId: string }) {
  const { strings, preferences } = useCall();
  const choose = useSwitchDevice();
  const room = useRoomContext();
  const devices = useDevices(room);
  const titles: Record<DeviceKind, string> = {
    audioinput: strings.microphone,
    videoinput: strings.camera,
    audiooutput: strings.speaker,
  };
  return (
    <Menu label={label} testId={testId} buttonClass="control control--arrow" button={<Icon name="up" />}>
      {(close) =>
        kinds
          .filter((kind) => kind !== "audiooutput" || canChooseSpeaker())
          .map((kind) => {
            const listed = devices[kind].filter(({ id }) => id !== "default");
            const remembered = preferences.current[REMEMBERED_AS[kind]];
            const current = listed.some(({ id }) => id === remembered) ? remembered : "";
            return (
              // biome-ignore lint/a11y/useSemanticElements: a fieldset is no child of a menu
              <div key={kind} role="group" aria-label={titles[kind]}>
                <p className="menu__title" aria-hidden="true">
                  {titles[kind]}
                </p>
                {[{ id: "", label: strings.defaultDevice, groupId: "" }, ...listed].map((device, index) => (
                  <MenuItem
                    key={device.id}
                    isChecked={device.id === current}
                    onChoose={() => {
                      close();
                      void choose(kind, device.id);
                    }}
                  >
                    {device.label || strings.unnamedDevice(index)}
                  </MenuItem>
                ))}
              </div>
            );
          })
      }
    </Menu>
  );
}
