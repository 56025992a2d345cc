import { type FormEvent, useId, useState } from "react";
import { ApiError } from "../api.ts";
import { useCall, useSession } from "../callcontext.ts";
import { Dialog } from "./Dialog.tsx";
import { Icon } from "./Icon.tsx";

/** As the portal's LOBBY_MESSAGE_MAX_LENGTH. */
const LONGEST = 300;

/** For those who moderate: what everybody reads who waits. */
export function LobbyMessage() {
  const { strings, config } = useCall();
  const [isOpen, setIsOpen] = useState(false);
  if (!config.room.hasLobby) return null;
  return (
    <>
      <button type="button" className="stage-button" data-testid="lobby-message-button" onClick={() => setIsOpen(true)}>
        <Icon name="chat" />
        {strings.doorway.lobbyMessage}
      </button>
      {isOpen && <Editor onClose={() => setIsOpen(false)} />}
    </>
  );
}

function Editor({ onClose }: { onClose: () => void }) {
  const { strings, api, notices } = useCall();
  const { roomState } = useSession();
  const [text, setText] = useState(roomState?.room.lobbyMessage ?? "");
  const id = useId();
  // As the portal counts: signs, not UTF-16 units.
  const left = LONGEST - [...text].length;

  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (left < 0) return;
    const dialog = event.currentTarget.closest("dialog");
    try {
      await api.setLobbyMessage(text);
      dialog?.close();
      notices.show(strings.doorway.lobbyMessageSaved);
    } catch (error) {
      // What was typed stays where it is.
      console.warn("the lobby's message was not saved", error);
      notices.show(error instanceof ApiError && error.code !== "" ? error.message : strings.actionFailed, "warning");
    }
  };
  const saveButton = (
    <button
      type="submit"
      form={`${id}-form`}
      className="stage-button stage-button--main"
      aria-disabled={left < 0}
      data-testid="lobby-message-save"
    >
      {strings.doorway.lobbyMessageSave}
    </button>
  );
  return (
    <Dialog
      name="lobby-message"
      title={strings.doorway.lobbyMessageTitle}
      closeLabel={strings.cancel}
      acts={saveButton}
      onClose={onClose}
    >
      <form id={`${id}-form`} className="lobby-message" onSubmit={(event) => void save(event)}>
        <p id={`${id}-hint`}>{strings.doorway.lobbyMessageHint}</p>
        <label className="composer__label" htmlFor={`${id}-field`}>
          {strings.doorway.lobbyMessageLabel}
        </label>
        <textarea
          id={`${id}-field`}
          className="composer__field lobby-message__field"
          dir="auto"
          rows={4}
          value={text}
          aria-describedby={`${id}-hint ${id}-left`}
          aria-invalid={left < 0}
          data-testid="lobby-message-input"
          onChange={(event) => setText(event.target.value)}
        />
        <p id={`${id}-left`} className="lobby-message__left" data-wrong={left < 0}>
          {left < 0 ? strings.doorway.lobbyMessageTooLong(-left) : strings.doorway.lobbyMessageLeft(left)}
        </p>
      </form>
    </Dialog>
  );
}
