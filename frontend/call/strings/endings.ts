// Texts of the screens after the call or instead of it: what happened, what we do about it, what the person can do.

export const fr = {
  whatWeDo: "Ce que nous faisons",
  whatYouCan: "Ce que vous pouvez faire",
  trustLink: "Faire confiance au certificat",
  testLink: "Tester ma connexion",
  reopen: "Rouvrir la réunion",
  reload: "Recharger la page",
  refusals: {
    removed: {
      title: "On vous a fait sortir de cette réunion",
      what: "Une personne qui la modère a pris cette décision : vous ne pouvez plus y entrer.",
      you: "Si vous pensez à une erreur, contactez la personne qui vous a invité : l’organisation peut vous rouvrir l’entrée. Cette page s’en aperçoit d’elle-même.",
    },
    denied: {
      title: "Votre entrée n’a pas été acceptée",
      what: "La personne qui organise la réunion a refusé votre demande.",
      you: "Vous pourrez demander à entrer de nouveau après cette réunion. Si vous pensez à une erreur, contactez la personne qui vous a invité.",
    },
    locked: {
      title: "Le salon est verrouillé",
      what: "Plus personne de nouveau ne peut y entrer pour le moment.",
      you: "Demandez à la personne qui organise la réunion de déverrouiller le salon : cette page s’en aperçoit d’elle-même.",
    },
    no_guests: {
      title: "Ce salon n’accueille pas d’invités",
      what: "On y entre avec un compte : l’organisation de la personne qui vous invite le veut ainsi.",
      you: "Connectez-vous si vous avez un compte. Sinon, demandez à la personne qui vous a invité une autre façon de participer.",
    },
    foreign_domain: {
      title: "Ce salon n’est pas ouvert à votre organisation",
      what: "Seules y entrent les adresses électroniques de certaines organisations, et la vôtre n’en fait pas partie.",
      you: "Si vous avez un autre compte, connectez-vous avec celui-là. Sinon, contactez la personne qui vous a invité.",
    },
    step_up: {
      title: "Ce salon demande une connexion plus sûre",
      what: "La règle a changé pendant que vous étiez à l’entrée : votre connexion ne suffit plus.",
      you: "Rechargez la page : elle vous mène à la connexion demandée, et vous revenez ici.",
    },
    room_full: {
      title: "Le salon est complet",
      what: "Toutes les places de cette réunion sont prises.",
      you: "Attendez ici qu’une place se libère : cette page s’en aperçoit d’elle-même.",
    },
  },
  rating: {
    title: "Comment étaient le son et l’image ?",
    hint: "Un clic suffit. Votre réponse aide à améliorer le service.",
    answers: { good: "Bien", middling: "Moyen", bad: "Mauvais" },
    thanks: "Merci, votre réponse est enregistrée.",
    failed: "Votre réponse n’a pas pu être envoyée. Réessayez.",
  },
  texts: {
    left: {
      title: "Vous avez quitté la réunion",
      what: "Merci de votre participation.",
      we: "Votre micro et votre caméra sont coupés.",
      you: "Vous pouvez fermer cette page, ou revenir tant que la réunion dure.",
    },
    removed: {
      title: "On vous a fait sortir de la réunion",
      what: "Une personne qui modère la réunion a pris cette décision.",
      we: "Votre micro et votre caméra sont coupés. L’entrée reste fermée pour vous, tant que l’organisation ne la rouvre pas.",
      you: "Si vous pensez à une erreur, contactez la personne qui vous a invité.",
    },
    denied: {
      title: "Votre entrée n’a pas été acceptée",
      what: "La personne qui organise la réunion a refusé votre demande.",
      we: "Votre micro et votre caméra sont coupés. Personne ne vous a vu ni entendu.",
      you: "Si vous pensez à une erreur, contactez-la directement.",
    },
    ended: {
      title: "La réunion est terminée",
      what: "La personne qui l’organise y a mis fin pour tout le monde.",
      we: "Votre micro et votre caméra sont coupés.",
      you: "Vous pouvez fermer cette page.",
    },
    "ended-by-you": {
      title: "Vous avez mis fin à la réunion pour tout le monde",
      what: "Toutes les personnes présentes en sont sorties.",
      we: "Votre micro et votre caméra sont coupés. Le salon garde son lien pour une prochaine réunion.",
      you: "Vous pouvez fermer cette page. Si c’était trop tôt, le même lien ramène tout le monde dans le salon.",
    },
    locked: {
      title: "Le salon est verrouillé",
      what: "Plus personne ne peut y entrer pour le moment.",
      we: "Les personnes présentes ne sont pas prévenues de votre venue.",
      you: "Demandez à la personne qui organise la réunion de déverrouiller le salon, puis réessayez.",
    },
    duplicate: {
      title: "Vous participez depuis une autre page",
      what: "Cette réunion est ouverte dans un autre onglet, une autre fenêtre ou un autre appareil. Une seule page à la fois peut y participer.",
      we: "Cette page a coupé son micro et sa caméra : l’autre continue.",
      you: "Retournez à l’autre page, ou participez depuis celle-ci : l’autre s’arrêtera.",
    },
    unreachable: {
      title: "La réunion n’est pas joignable",
      what: "Le serveur ne répond pas, ou un pare-feu bloque la réunion.",
      we: "Nous avons essayé pendant près d’une minute. Votre place dans la réunion vous attend.",
      you: "Vérifiez votre réseau (Wi-Fi, câble, VPN), puis réessayez. Le test de connexion dit ce qui est bloqué.",
    },
    offline: {
      title: "Vous n’avez pas de réseau",
      what: "Votre appareil n’est relié à aucun réseau.",
      we: "Nous avons essayé pendant près d’une minute. Votre place dans la réunion vous attend.",
      you: "Vérifiez le Wi-Fi, le câble ou le mode avion, puis réessayez.",
    },
    untrusted: {
      title: "Votre navigateur ne fait pas confiance à ce serveur",
      what: "Le certificat de ce portail n’est pas connu de votre appareil : le navigateur refuse d’ouvrir la réunion.",
      we: "Rien n’est envoyé tant que la connexion n’est pas sûre.",
      you: "Suivez les étapes pour faire confiance au certificat (votre service informatique peut le faire pour vous), puis réessayez.",
    },
    "not-found": {
      title: "Ce salon n’existe pas",
      what: "Aucun salon ne correspond à ce lien.",
      we: "Rien n’a été transmis : votre micro et votre caméra sont coupés.",
      you: "Vérifiez le lien que vous avez reçu : il est peut-être incomplet. Sinon, demandez-le de nouveau à la personne qui vous invite.",
    },
    unsupported: {
      title: "Ce navigateur ne permet pas la visioconférence",
      what: "Il lui manque ce qu’il faut pour transmettre l’image et le son.",
      we: "Votre micro et votre caméra ne sont pas ouverts, et rien n’a été transmis.",
      you: "Ouvrez ce lien dans une version récente de Firefox, Chrome, Edge ou Safari.",
    },
  },
};

type Shape = typeof fr;

export const en: Shape = {
  whatWeDo: "What we do about it",
  whatYouCan: "What you can do",
  trustLink: "Trust the certificate",
  testLink: "Test my connection",
  reopen: "Reopen the meeting",
  reload: "Load the page again",
  refusals: {
    removed: {
      title: "You were removed from this meeting",
      what: "A moderator of the meeting decided so: you can no longer enter.",
      you: "If you think it is a mistake, contact the person who invited you: the organiser can open the door to you again. This page will notice by itself.",
    },
    denied: {
      title: "You were not admitted",
      what: "The organiser did not let you in.",
      you: "You can ask to enter again after this meeting. If you think it is a mistake, contact the person who invited you.",
    },
    locked: {
      title: "The room is locked",
      what: "Nobody new can enter for now.",
      you: "Ask the organiser to unlock the room: this page will notice by itself.",
    },
    no_guests: {
      title: "This room takes no guests",
      what: "People enter it with an account: the organisation of the person who invites you wants it so.",
      you: "Sign in if you have an account. Otherwise ask the person who invited you for another way to take part.",
    },
    foreign_domain: {
      title: "This room is not open to your organisation",
      what: "Only e-mail addresses of certain organisations may enter, and yours is none of them.",
      you: "If you have another account, sign in with that one. Otherwise contact the person who invited you.",
    },
    step_up: {
      title: "This room asks for a stronger sign-in",
      what: "The rule changed while you were at the door: your sign-in is no longer enough.",
      you: "Load the page again: it leads you to the sign-in that is asked for, and you come back here.",
    },
    room_full: {
      title: "The room is full",
      what: "All places in this meeting are taken.",
      you: "Wait here until there is a place: this page will notice by itself.",
    },
  },
  rating: {
    title: "How were the sound and the picture?",
    hint: "One click is enough. Your answer helps to improve the service.",
    answers: { good: "Good", middling: "Middling", bad: "Bad" },
    thanks: "Thank you, your answer is saved.",
    failed: "Your answer could not be sent. Try again.",
  },
  texts: {
    left: {
      title: "You have left the meeting",
      what: "Thank you for taking part.",
      we: "Your microphone and camera are off.",
      you: "You can close this page, or come back while the meeting lasts.",
    },
    removed: {
      title: "You were removed from the meeting",
      what: "A moderator of the meeting decided so.",
      we: "Your microphone and camera are off. The door stays closed to you until the organiser opens it again.",
      you: "If you think it is a mistake, contact the person who invited you.",
    },
    denied: {
      title: "You were not admitted",
      what: "The organiser did not let you in.",
      we: "Your microphone and camera are off. Nobody saw or heard you.",
      you: "If you think it is a mistake, contact the organiser directly.",
    },
    ended: {
      title: "The meeting is over",
      what: "The organiser ended it for everyone.",
      we: "Your microphone and camera are off.",
      you: "You can close this page.",
    },
    "ended-by-you": {
      title: "You ended the meeting for everyone",
      what: "Everybody who was in it is out of it now.",
      we: "Your microphone and camera are off. The room keeps its link for a next meeting.",
      you: "You can close this page. If that was too early, the same link brings everybody back to the room.",
    },
    locked: {
      title: "The room is locked",
      what: "Nobody can enter for now.",
      we: "The people inside are not told that you came.",
      you: "Ask the organiser to unlock the room, then try again.",
    },
    duplicate: {
      title: "You take part from another page",
      what: "This meeting is open in another tab, window or device. Only one page at a time can take part.",
      we: "This page has turned its microphone and camera off; the other one goes on.",
      you: "Go back to the other page, or take part from here: the other one will stop.",
    },
    unreachable: {
      title: "The meeting cannot be reached",
      what: "The server does not answer, or a firewall blocks the meeting.",
      we: "We tried for almost a minute. Your place in the meeting is kept.",
      you: "Check your network (Wi-Fi, cable, VPN), then try again. The connection test tells what is blocked.",
    },
    offline: {
      title: "You have no network",
      what: "Your device is not connected to any network.",
      we: "We tried for almost a minute. Your place in the meeting is kept.",
      you: "Check Wi-Fi, cable or flight mode, then try again.",
    },
    untrusted: {
      title: "Your browser does not trust this server",
      what: "Your device does not know this portal’s certificate, so the browser refuses to open the meeting.",
      we: "Nothing is sent while the connection is not safe.",
      you: "Follow the steps to trust the certificate (your IT service can do it for you), then try again.",
    },
    "not-found": {
      title: "This room does not exist",
      what: "No room belongs to this link.",
      we: "Nothing was sent: your microphone and camera are off.",
      you: "Check the link that you were sent: it may be incomplete. Otherwise ask the person who invites you for it again.",
    },
    unsupported: {
      title: "This browser cannot do video calls",
      what: "It lacks what is needed to send pictures and sound.",
      we: "Your microphone and camera have not been opened, and nothing was sent.",
      you: "Open this link in a recent Firefox, Chrome, Edge or Safari.",
    },
  },
};

export const de: Shape = {
  whatWeDo: "Was wir tun",
  whatYouCan: "Was Sie tun können",
  trustLink: "Dem Zertifikat vertrauen",
  testLink: "Meine Verbindung testen",
  reopen: "Besprechung wieder öffnen",
  reload: "Seite neu laden",
  refusals: {
    removed: {
      title: "Sie wurden aus dieser Besprechung entfernt",
      what: "Die Moderation hat das entschieden: Sie können nicht mehr hinein.",
      you: "Halten Sie das für einen Irrtum, wenden Sie sich an die Person, die Sie eingeladen hat: Die Organisation kann Ihnen den Eingang wieder öffnen. Diese Seite bemerkt es von selbst.",
    },
    denied: {
      title: "Sie wurden nicht eingelassen",
      what: "Die Organisation hat Ihre Anfrage abgelehnt.",
      you: "Nach dieser Besprechung können Sie erneut um Einlass bitten. Halten Sie das für einen Irrtum, wenden Sie sich an die Person, die Sie eingeladen hat.",
    },
    locked: {
      title: "Der Raum ist gesperrt",
      what: "Zurzeit kann niemand Neues hinein.",
      you: "Bitten Sie die Organisation, den Raum zu entsperren: Diese Seite bemerkt es von selbst.",
    },
    no_guests: {
      title: "Dieser Raum nimmt keine Gäste auf",
      what: "Man betritt ihn mit einem Konto: So will es die Organisation der Person, die Sie einlädt.",
      you: "Melden Sie sich an, wenn Sie ein Konto haben. Sonst fragen Sie die Person, die Sie eingeladen hat, wie Sie anders teilnehmen können.",
    },
    foreign_domain: {
      title: "Dieser Raum steht Ihrer Organisation nicht offen",
      what: "Nur E-Mail-Adressen bestimmter Organisationen haben Zutritt, und Ihre gehört nicht dazu.",
      you: "Haben Sie ein anderes Konto, melden Sie sich damit an. Sonst wenden Sie sich an die Person, die Sie eingeladen hat.",
    },
    step_up: {
      title: "Dieser Raum verlangt eine stärkere Anmeldung",
      what: "Die Regel hat sich geändert, während Sie am Eingang waren: Ihre Anmeldung reicht nicht mehr aus.",
      you: "Laden Sie die Seite neu: Sie führt Sie zur verlangten Anmeldung, und Sie kommen hierher zurück.",
    },
    room_full: {
      title: "Der Raum ist voll",
      what: "Alle Plätze dieser Besprechung sind belegt.",
      you: "Warten Sie hier, bis ein Platz frei wird: Diese Seite bemerkt es von selbst.",
    },
  },
  rating: {
    title: "Wie waren Ton und Bild?",
    hint: "Ein Klick genügt. Ihre Antwort hilft, den Dienst zu verbessern.",
    answers: { good: "Gut", middling: "Mittel", bad: "Schlecht" },
    thanks: "Danke, Ihre Antwort ist gespeichert.",
    failed: "Ihre Antwort konnte nicht gesendet werden. Versuchen Sie es erneut.",
  },
  texts: {
    left: {
      title: "Sie haben die Besprechung verlassen",
      what: "Danke für Ihre Teilnahme.",
      we: "Ihr Mikrofon und Ihre Kamera sind aus.",
      you: "Sie können diese Seite schließen oder zurückkommen, solange die Besprechung dauert.",
    },
    removed: {
      title: "Sie wurden aus der Besprechung entfernt",
      what: "Die Moderation hat das entschieden.",
      we: "Ihr Mikrofon und Ihre Kamera sind aus. Der Eingang bleibt für Sie geschlossen, bis die Organisation ihn wieder öffnet.",
      you: "Halten Sie das für einen Irrtum, wenden Sie sich an die Person, die Sie eingeladen hat.",
    },
    denied: {
      title: "Sie wurden nicht eingelassen",
      what: "Die Organisation hat Ihre Anfrage abgelehnt.",
      we: "Ihr Mikrofon und Ihre Kamera sind aus. Niemand hat Sie gesehen oder gehört.",
      you: "Halten Sie das für einen Irrtum, wenden Sie sich direkt an die Organisation.",
    },
    ended: {
      title: "Die Besprechung ist zu Ende",
      what: "Die Organisation hat sie für alle beendet.",
      we: "Ihr Mikrofon und Ihre Kamera sind aus.",
      you: "Sie können diese Seite schließen.",
    },
    "ended-by-you": {
      title: "Sie haben die Besprechung für alle beendet",
      what: "Alle Anwesenden haben sie verlassen.",
      we: "Ihr Mikrofon und Ihre Kamera sind aus. Der Raum behält seinen Link für die nächste Besprechung.",
      you: "Sie können diese Seite schließen. War es zu früh, führt derselbe Link alle in den Raum zurück.",
    },
    locked: {
      title: "Der Raum ist gesperrt",
      what: "Zurzeit kann niemand hinein.",
      we: "Die Anwesenden erfahren nicht, dass Sie da waren.",
      you: "Bitten Sie die Organisation, den Raum zu entsperren, und versuchen Sie es erneut.",
    },
    duplicate: {
      title: "Sie nehmen von einer anderen Seite aus teil",
      what: "Diese Besprechung ist in einem anderen Tab, einem anderen Fenster oder auf einem anderen Gerät geöffnet. Nur eine Seite kann teilnehmen.",
      we: "Diese Seite hat Mikrofon und Kamera ausgeschaltet; die andere läuft weiter.",
      you: "Gehen Sie zur anderen Seite zurück oder nehmen Sie von hier aus teil: Die andere hört dann auf.",
    },
    unreachable: {
      title: "Die Besprechung ist nicht erreichbar",
      what: "Der Server antwortet nicht, oder eine Firewall sperrt die Besprechung.",
      we: "Wir haben es fast eine Minute lang versucht. Ihr Platz bleibt erhalten.",
      you: "Prüfen Sie Ihr Netzwerk (WLAN, Kabel, VPN) und versuchen Sie es erneut. Der Verbindungstest sagt, was gesperrt ist.",
    },
    offline: {
      title: "Sie haben kein Netz",
      what: "Ihr Gerät ist mit keinem Netzwerk verbunden.",
      we: "Wir haben es fast eine Minute lang versucht. Ihr Platz bleibt erhalten.",
      you: "Prüfen Sie WLAN, Kabel oder Flugmodus und versuchen Sie es erneut.",
    },
    untrusted: {
      title: "Ihr Browser vertraut diesem Server nicht",
      what: "Ihr Gerät kennt das Zertifikat dieses Portals nicht; der Browser öffnet die Besprechung deshalb nicht.",
      we: "Solange die Verbindung nicht sicher ist, wird nichts gesendet.",
      you: "Folgen Sie den Schritten, um dem Zertifikat zu vertrauen (Ihre IT kann das übernehmen), und versuchen Sie es erneut.",
    },
    "not-found": {
      title: "Diesen Raum gibt es nicht",
      what: "Zu diesem Link gehört kein Raum.",
      we: "Es wurde nichts gesendet: Ihr Mikrofon und Ihre Kamera sind aus.",
      you: "Prüfen Sie den Link, den Sie erhalten haben: Vielleicht ist er unvollständig. Sonst bitten Sie die einladende Person noch einmal darum.",
    },
    unsupported: {
      title: "Dieser Browser kann keine Videokonferenzen",
      what: "Ihm fehlt, was zum Übertragen von Bild und Ton nötig ist.",
      we: "Ihr Mikrofon und Ihre Kamera wurden nicht geöffnet, und es wurde nichts gesendet.",
      you: "Öffnen Sie den Link in einem aktuellen Firefox, Chrome, Edge oder Safari.",
    },
  },
};
