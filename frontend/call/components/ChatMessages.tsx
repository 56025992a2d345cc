import { Fragment, type KeyboardEvent, type MouseEvent, useMemo, useRef, useState } from "react";
import { useCall, useSession } from "../callcontext.ts";
import type { ChatSnapshot } from "../chat/chatlog.ts";
import { chatTimes, continues } from "../chat/times.ts";
import { mayModerate } from "../contract.ts";
import { focusPanelTitle } from "../focus.ts";
import { useStickyEnd } from "../hooks/useStickyEnd.ts";
import { useTogether } from "../togethercontext.ts";
import { ChatLine } from "./ChatLine.tsx";
import { OutgoingLine } from "./OutgoingLine.tsx";

/** The log: one message after the other, walked by arrow keys, Home and End; Tab goes on to what is in the message. */
export function ChatMessages({ chat }: { chat: ChatSnapshot }) {
  const { strings, config } = useCall();
  const { roomState } = useSession();
  const list = useRef<HTMLDivElement>(null);
  const times = useMemo(() => chatTimes(config.locale), [config.locale]);
  const [chosen, setChosen] = useState<string | null>(null);
  const { messages, outgoing } = chat;
  const { newBelow, goToEnd } = useStickyEnd(list, messages, outgoing.length);
  const me = roomState?.me;
  const walked = messages.some(({ id }) => id === chosen) ? chosen : messages.at(-1)?.id;

  const readOn = () => {
    goToEnd();
    // The button goes; the newest message is what it led to.
    [...(list.current?.querySelectorAll("article") ?? [])].at(-1)?.focus({ preventScroll: true });
  };
  const handleKey = (event: KeyboardEvent) => {
    const lines = [...(list.current?.querySelectorAll("article") ?? [])];
    const here = lines.indexOf(event.target as HTMLElement);
    if (here < 0) return;
    const last = lines.length - 1;
    const target = { ArrowDown: Math.min(here + 1, last), ArrowUp: Math.max(here - 1, 0), Home: 0, End: last }[
      event.key
    ];
    if (target === undefined) return;
    event.preventDefault();
    lines[target]?.focus();
  };

  return (
    <div className="chat">
      <div
        ref={list}
        className="chat__log"
        // What comes in is told by the announcer, as much of it as the person wishes.
        role="log"
        aria-live="off"
        aria-label={strings.chat.log}
        aria-busy={chat.isLoading}
        data-testid="chat-log"
        onKeyDown={handleKey}
      >
        <Beginning chat={chat} />
        {messages.map((message, index) => {
          const previous = messages[index - 1];
          const day = times.day(message.sentAt);
          const isNewDay = previous !== undefined && times.day(previous.sentAt) !== day;
          return (
            <Fragment key={message.id}>
              {isNewDay && <p className="chat__day">{day}</p>}
              <ChatLine
                message={message}
                time={times.time(message.sentAt)}
                isContinued={!isNewDay && continues(previous, message)}
                isMine={message.identity === me?.identity}
                mayDelete={message.identity === me?.identity || mayModerate(me?.role ?? "participant")}
                isWalked={message.id === walked}
                onWalk={setChosen}
              />
            </Fragment>
          );
        })}
        {chat.isIncomplete && <Incomplete />}
        {outgoing.map((one) => (
          <OutgoingLine key={one.key} outgoing={one} />
        ))}
      </div>
      {newBelow > 0 && (
        <button type="button" className="chat__new" data-testid="chat-new-below" onClick={readOn}>
          {strings.chat.newBelow(newBelow)} ↓
        </button>
      )}
    </div>
  );
}

/** Above the first message: the way to those before it, or why there is nothing. */
function Beginning({ chat }: { chat: ChatSnapshot }) {
  const { strings, notices } = useCall();
  const log = useTogether().chat;
  const [isBusy, setIsBusy] = useState(false);
  if (chat.messages.length + chat.outgoing.length === 0) {
    if (chat.isIncomplete) return null;
    return <p className="chat__empty">{chat.isLoading ? strings.chat.loading : strings.chat.empty}</p>;
  }
  if (!chat.hasOlder) return null;
  const load = () => {
    if (isBusy) return;
    setIsBusy(true);
    log
      .loadOlder()
      .catch((error: unknown) => {
        console.warn("older messages could not be read", error);
        notices.show(strings.chat.historyFailed, "warning");
      })
      .finally(() => setIsBusy(false));
  };
  return (
    <button
      type="button"
      className="stage-button chat__older"
      aria-busy={isBusy}
      data-testid="chat-older"
      onClick={load}
    >
      {strings.chat.older}
    </button>
  );
}

/** Where a reading failed: what may be missing, and the way to it. */
function Incomplete() {
  const { strings } = useCall();
  const log = useTogether().chat;
  const retry = (event: MouseEvent<HTMLElement>) => {
    focusPanelTitle(event.currentTarget);
    log.catchUp().catch((error: unknown) => console.warn("the chat could not be read", error));
  };
  return (
    <div className="chat__incomplete" data-testid="chat-incomplete">
      <p className="message__wrong">{strings.chat.incomplete}</p>
      <button type="button" className="stage-button" data-testid="chat-retry" onClick={retry}>
        {strings.retry}
      </button>
    </div>
  );
}
