import { memo, useState } from "react";
import { useCall } from "../callcontext.ts";
import { type Piece, withLinks } from "../chat/links.ts";
import type { ChatMessage } from "../contract.ts";
import { useTogether } from "../togethercontext.ts";
import { ConfirmDialog } from "./ConfirmDialog.tsx";

type ChatLineProps = {
  message: ChatMessage;
  time: string;
  /** Written by the same person, just after: the name is not shown again, only said. */
  isContinued: boolean;
  isMine: boolean;
  mayDelete: boolean;
  /** The one of all messages that Tab reaches. */
  isWalked: boolean;
  onWalk: (id: string) => void;
};

/** One message: author, time, text. Names and texts stand each in a direction of their own, so that none can turn what is beside it. */
export const ChatLine = memo(function ChatLine(props: ChatLineProps) {
  const { message, time, isContinued, isMine, mayDelete, isWalked, onWalk } = props;
  const { strings } = useCall();
  const [isAsking, setIsAsking] = useState(false);
  const id = `message-${message.id}`;
  const tabIndex = isWalked ? 0 : -1;
  return (
    <article
      tabIndex={tabIndex}
      className={`message${isMine ? " message--mine" : ""}${isContinued ? " message--continued" : ""}`}
      aria-labelledby={`${id}-head ${id}-text`}
      data-testid="chat-message"
      data-id={message.id}
      data-deleted={message.isDeleted ?? false}
      onFocus={() => onWalk(message.id)}
    >
      <p id={`${id}-head`} className={isContinued ? "unseen" : "message__head"}>
        <bdi className="message__author">{message.name}</bdi>
        {isMine && <span className="message__fact">{` (${strings.chat.you})`}</span>}
        {message.role !== "participant" && <span className="message__fact">{`, ${strings.roles[message.role]}`}</span>}{" "}
        <time className="message__fact" dateTime={message.sentAt}>
          {time}
        </time>
      </p>
      <p id={`${id}-text`} className="message__text" dir="auto">
        {message.isDeleted ? (
          <em>{strings.chat.deleted}</em>
        ) : (
          withLinks(message.text).map((piece, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text never change places
            <TextPiece key={index} piece={piece} tabIndex={tabIndex} />
          ))
        )}
      </p>
      {mayDelete && !message.isDeleted && (
        <button
          type="button"
          tabIndex={tabIndex}
          className="message__delete"
          aria-label={strings.chat.removeOf(message.name)}
          data-testid={`chat-delete-${message.id}`}
          onClick={() => setIsAsking(true)}
        >
          {strings.chat.remove}
        </button>
      )}
      {isAsking && <DeleteDialog id={message.id} onClose={() => setIsAsking(false)} />}
    </article>
  );
});

function DeleteDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { strings, notices } = useCall();
  const { chat } = useTogether();
  const remove = () => {
    // The button that was pressed goes; its message stays, as deleted.
    document.querySelector<HTMLElement>(`.chat [data-id="${CSS.escape(id)}"]`)?.focus();
    chat.remove(id).catch((error: unknown) => {
      console.warn("a message was not deleted", error);
      notices.show(strings.actionFailed, "warning");
    });
  };
  return (
    <ConfirmDialog
      title={strings.chat.confirmRemoveTitle}
      text={strings.chat.confirmRemoveText}
      act={strings.chat.remove}
      onConfirm={remove}
      onClose={onClose}
    />
  );
}

function TextPiece({ piece, tabIndex }: { piece: Piece; tabIndex: number }) {
  const { strings } = useCall();
  if (piece.href === undefined) return piece.text;
  return (
    <a href={piece.href} target="_blank" rel="noopener noreferrer" dir="ltr" tabIndex={tabIndex}>
      {piece.text}
      <span className="unseen">{` (${strings.chat.newTab})`}</span>
    </a>
  );
}
