import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useCall } from "../callcontext.ts";
import { LONGEST_TEXT } from "../chat/chatlog.ts";
import { useTogether } from "../togethercontext.ts";

/** From here on the room that is left is told. */
const NEAR_END = 200;
const MOST_ROWS = 6;

/** Enter sends, Shift+Enter starts a new line. What is typed is kept outside, so that it survives the panel. */
export function ChatComposer({ hasFocus }: { hasFocus: boolean }) {
  const { strings, notices } = useCall();
  const { chat } = useTogether();
  const [text, setText] = useState(chat.draft);
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  // As the portal counts: signs, not UTF-16 units.
  const left = LONGEST_TEXT - [...text].length;
  const isSendable = text.trim() !== "" && left >= 0;

  useEffect(() => {
    const element = field.current;
    if (!hasFocus || !element) return;
    element.focus({ preventScroll: true });
    element.setSelectionRange(element.value.length, element.value.length);
  }, [hasFocus]);

  const write = (next: string) => {
    chat.draft = next;
    setText(next);
  };
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (left < 0) notices.say(strings.chat.tooLong(-left));
    if (!isSendable) return;
    void chat.send(text);
    write("");
    field.current?.focus({ preventScroll: true });
  };
  const handleKey = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    send();
  };

  return (
    <form className="composer" onSubmit={send}>
      <label className="composer__label" htmlFor={`${hintId}-field`}>
        {strings.chat.compose}
      </label>
      <div className="composer__row">
        <textarea
          ref={field}
          id={`${hintId}-field`}
          className="composer__field"
          dir="auto"
          rows={Math.min(MOST_ROWS, text.split("\n").length)}
          value={text}
          enterKeyHint="send"
          autoComplete="off"
          aria-describedby={hintId}
          aria-invalid={left < 0}
          data-testid="chat-input"
          onChange={(event) => write(event.target.value)}
          onKeyDown={handleKey}
        />
        <button
          type="submit"
          className="stage-button stage-button--main"
          aria-disabled={!isSendable}
          data-testid="chat-send"
        >
          {strings.chat.send}
        </button>
      </div>
      <p
        id={hintId}
        className={`composer__hint${left < 0 ? " composer__hint--wrong" : left < NEAR_END ? "" : " composer__hint--keys"}`}
      >
        {left < 0
          ? strings.chat.tooLong(-left)
          : left < NEAR_END
            ? strings.chat.charactersLeft(left)
            : strings.chat.sendHint}
      </p>
    </form>
  );
}
