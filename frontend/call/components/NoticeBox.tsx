import { useCall } from "../callcontext.ts";
import type { Notice } from "../phase.ts";

/** Why the last attempt to join came to nothing. */
export function NoticeBox({ notice, said = "" }: { notice: Notice; said?: string }) {
  const { strings } = useCall();
  const texts: Record<Notice, string> = {
    offline: strings.noticeOffline,
    "bad-name": strings.noticeBadName,
    "too-many": strings.noticeTooMany,
    "server-error": strings.noticeServerError,
    refused: said || strings.noticeServerError,
  };
  return (
    <div className="fr-alert fr-alert--error fr-alert--sm" role="alert" data-testid="join-notice" data-notice={notice}>
      <p>{texts[notice]}</p>
    </div>
  );
}
