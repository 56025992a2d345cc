// Texts before the door: who is inside already, the waiting room, and how a microphone or camera is brought back.
import type { RepairTexts } from "../repair.ts";
import type { Wording } from "./index.ts";

export const fr = {
  inside: (count: number) => (count === 1 ? "1 personne est déjà là" : `${count} personnes sont déjà là`),
  others: (count: number) => (count === 1 ? "1 autre personne" : `${count} autres personnes`),
  nobody: "Personne n’est encore là",
  begun: "La réunion a commencé",
  place: (place: number, length: number) => `Vous êtes n° ${place} sur ${length} en attente`,
  aloneInQueue: "Vous êtes la seule personne en attente",
  letThemIn: "Vous les ferez entrer dès que vous serez dans la réunion.",
  withAccount: "avec un compte",
  number: (place: number) => `n° ${place}`,
  numbered: (name: string, place: number) => `${name}, n° ${place}`,
  askedAt: (time: string) => `attend depuis ${time}`,
  howToRepair: "Comment y remédier",
  hostMessage: "Message de l’organisation",
  lobbyMessage: "Message d’attente…",
  lobbyMessageTitle: "Message aux personnes qui attendent",
  lobbyMessageLabel: "Votre message",
  lobbyMessageHint: "Elles le lisent aussitôt, jusqu’à ce que vous les fassiez entrer.",
  lobbyMessageLeft: (left: number) => `Caractères restants : ${left}`,
  lobbyMessageTooLong: (over: number) => `Trop long de ${over} caractères`,
  lobbyMessageSave: "Enregistrer",
  lobbyMessageSaved: "Le message d’attente est enregistré.",
  repairFor: (browser: string, system: string) => `Avec ${browser} sur ${system} :`,
  repairForBrowser: (browser: string) => `Avec ${browser} :`,
  repair: {
    thisBrowser: "ce navigateur",
    allow: {
      chromium: [
        "À gauche de l’adresse de la page, cliquez sur l’icône des réglages du site.",
        "Activez le micro et la caméra.",
      ],
      edge: [
        "Cliquez sur le cadenas à gauche de l’adresse, puis sur « Autorisations pour ce site ».",
        "Choisissez « Autoriser » pour la caméra et le microphone.",
      ],
      firefox: [
        "À gauche de l’adresse de la page, cliquez sur l’icône du micro ou de la caméra barrés.",
        "Fermez chaque « Bloqué » par la croix à côté.",
      ],
      safari: [
        "Dans la barre des menus, ouvrez Safari, puis « Réglages pour ce site web ».",
        "Choisissez « Autoriser » pour la caméra et le micro.",
      ],
      safariIos: [
        "Touchez l’icône à gauche de l’adresse, puis « Réglages du site web ».",
        "Choisissez « Autoriser » pour l’appareil photo et le micro.",
      ],
      chromiumAndroid: [
        "Touchez l’icône à gauche de l’adresse de la page, puis « Autorisations ».",
        "Autorisez l’appareil photo et le micro.",
      ],
      firefoxAndroid: [
        "Touchez le cadenas à côté de l’adresse de la page.",
        "Touchez « Bloqué » à côté de la caméra et du micro pour les autoriser.",
      ],
      other: [
        "Cliquez sur l’icône à gauche de l’adresse de la page (cadenas ou réglages).",
        "Autorisez le micro et la caméra pour ce site.",
      ],
    },
    allowAppIos: [
      (name: string) => `Ouvrez l’app Réglages de l’appareil, puis Apps et ${name}.`,
      (name: string) => `Activez le micro et l’appareil photo, puis revenez dans ${name}.`,
    ],
    system: {
      windows: (name: string) =>
        `Dans les Paramètres de Windows, ouvrez « Confidentialité et sécurité », puis « Caméra » et « Microphone » : activez l’accès, y compris pour les applications de bureau comme ${name}.`,
      macos: (name: string) =>
        `Dans les Réglages Système du Mac, ouvrez « Confidentialité et sécurité », puis « Caméra » et « Micro » : activez ${name}, quittez-le et rouvrez-le.`,
      ios: (name: string) =>
        `Dans les Réglages d’iOS, ouvrez Apps, puis ${name} : autorisez l’appareil photo et le micro.`,
      android: (name: string) =>
        `Dans les Paramètres d’Android, ouvrez Applications, ${name}, puis Autorisations : autorisez l’appareil photo et le micro.`,
      chromeos: (_name: string) =>
        "Dans les Paramètres de ChromeOS, ouvrez « Confidentialité et sécurité » : activez la caméra et le micro.",
      other: (name: string) =>
        `Vérifiez que les réglages de confidentialité de votre système autorisent ${name} à utiliser le micro et la caméra.`,
    },
    still: (step: string) => `Rien ne change ? ${step}`,
    managed: "Si ces réglages sont grisés, votre service informatique les a fixés : demandez-lui d’autoriser ce site.",
    question: (name: string) => `Quand ${name} pose la question, choisissez « Autoriser ».`,
    plugIn: "Branchez l’appareil, ou choisissez-en un autre dans la liste.",
    switches: "Regardez si le casque a un interrupteur, et la caméra un volet ou une touche du clavier.",
    closeApps: "Fermez les autres applications et onglets qui l’utilisent (une autre visioconférence, par exemple).",
    endCall: "Terminez l’appel en cours et fermez les autres applications qui l’utilisent.",
    unplug: "Débranchez puis rebranchez l’appareil.",
    restart: (name: string) => `Rien ne change ? Fermez ${name}, puis rouvrez-le.`,
    insecure: [
      "Cette page n’est pas ouverte en HTTPS : le navigateur refuse alors le micro et la caméra.",
      "Demandez l’adresse sécurisée à la personne qui vous invite.",
    ],
    retry: { click: "Cliquez sur « Réessayer ».", tap: "Touchez « Réessayer »." },
  } satisfies RepairTexts,
};

export const en: Wording<typeof fr> = {
  inside: (count) => (count === 1 ? "1 person is here already" : `${count} people are here already`),
  others: (count) => (count === 1 ? "1 other" : `${count} others`),
  nobody: "Nobody is here yet",
  begun: "The meeting has begun",
  place: (place, length) => `You are number ${place} of ${length} waiting`,
  aloneInQueue: "You are the only one waiting",
  letThemIn: "You can let them in once you are in the meeting.",
  withAccount: "with an account",
  number: (place) => `no. ${place}`,
  numbered: (name, place) => `${name}, no. ${place}`,
  askedAt: (time) => `waiting since ${time}`,
  howToRepair: "How to repair it",
  hostMessage: "Message from the organiser",
  lobbyMessage: "Waiting-room message…",
  lobbyMessageTitle: "Message to those who wait",
  lobbyMessageLabel: "Your message",
  lobbyMessageHint: "They read it at once, until you let them in.",
  lobbyMessageLeft: (left) => `Characters left: ${left}`,
  lobbyMessageTooLong: (over) => `${over} characters too long`,
  lobbyMessageSave: "Save",
  lobbyMessageSaved: "The waiting-room message is saved.",
  repairFor: (browser, system) => `With ${browser} on ${system}:`,
  repairForBrowser: (browser) => `With ${browser}:`,
  repair: {
    thisBrowser: "this browser",
    allow: {
      chromium: [
        "To the left of the page’s address, click the icon of the site’s settings.",
        "Switch the microphone and the camera on.",
      ],
      edge: [
        "Click the padlock to the left of the address, then “Permissions for this site”.",
        "Choose “Allow” for camera and microphone.",
      ],
      firefox: [
        "To the left of the page’s address, click the crossed-out microphone or camera.",
        "Clear each “Blocked” by the cross beside it.",
      ],
      safari: [
        "In the menu bar, open Safari, then “Settings for This Website”.",
        "Choose “Allow” for camera and microphone.",
      ],
      safariIos: [
        "Tap the icon to the left of the address, then “Website Settings”.",
        "Choose “Allow” for camera and microphone.",
      ],
      chromiumAndroid: [
        "Tap the icon to the left of the page’s address, then “Permissions”.",
        "Allow camera and microphone.",
      ],
      firefoxAndroid: [
        "Tap the padlock beside the page’s address.",
        "Tap “Blocked” beside camera and microphone to allow them.",
      ],
      other: [
        "Click the icon to the left of the page’s address (padlock or settings).",
        "Allow the microphone and the camera for this site.",
      ],
    },
    allowAppIos: [
      (name) => `Open the device’s Settings app, then Apps and ${name}.`,
      (name) => `Switch microphone and camera on, then come back to ${name}.`,
    ],
    system: {
      windows: (name) =>
        `In Windows Settings, open “Privacy & security”, then “Camera” and “Microphone”: switch access on, also for desktop apps such as ${name}.`,
      macos: (name) =>
        `In the Mac’s System Settings, open “Privacy & Security”, then “Camera” and “Microphone”: switch ${name} on, quit it and open it again.`,
      ios: (name) => `In iOS Settings, open Apps, then ${name}: allow camera and microphone.`,
      android: (name) => `In Android Settings, open Apps, ${name}, then Permissions: allow camera and microphone.`,
      chromeos: () => "In ChromeOS Settings, open “Privacy and security”: switch camera and microphone on.",
      other: (name) => `Check that your system’s privacy settings allow ${name} to use the microphone and the camera.`,
    },
    still: (step) => `Nothing changes? ${step}`,
    managed: "If these settings are greyed out, your IT department has fixed them: ask it to allow this site.",
    question: (name) => `When ${name} asks, choose “Allow”.`,
    plugIn: "Plug the device in, or choose another one from the list.",
    switches: "See whether the headset has a switch, and the camera a shutter or a key on the keyboard.",
    closeApps: "Close other applications and tabs that use it (another video call, for instance).",
    endCall: "End the phone call, and close other applications that use it.",
    unplug: "Unplug the device and plug it in again.",
    restart: (name) => `Nothing changes? Close ${name} and open it again.`,
    insecure: [
      "This page is not open over HTTPS: the browser then refuses microphone and camera.",
      "Ask the person who invited you for the secure address.",
    ],
    retry: { click: "Click “Try again”.", tap: "Tap “Try again”." },
  },
};

export const de: Wording<typeof fr> = {
  inside: (count) => (count === 1 ? "1 Person ist schon da" : `${count} Personen sind schon da`),
  others: (count) => (count === 1 ? "1 weitere Person" : `${count} weitere Personen`),
  nobody: "Es ist noch niemand da",
  begun: "Die Besprechung hat begonnen",
  place: (place, length) => `Sie sind Nummer ${place} von ${length} Wartenden`,
  aloneInQueue: "Außer Ihnen wartet niemand",
  letThemIn: "Sie können sie einlassen, sobald Sie in der Besprechung sind.",
  withAccount: "mit Konto",
  number: (place) => `Nr. ${place}`,
  numbered: (name, place) => `${name}, Nr. ${place}`,
  askedAt: (time) => `wartet seit ${time}`,
  howToRepair: "So beheben Sie es",
  hostMessage: "Nachricht der Organisation",
  lobbyMessage: "Warteraum-Nachricht …",
  lobbyMessageTitle: "Nachricht an die Wartenden",
  lobbyMessageLabel: "Ihre Nachricht",
  lobbyMessageHint: "Sie lesen sie sofort, bis Sie sie hereinlassen.",
  lobbyMessageLeft: (left) => `Verbleibende Zeichen: ${left}`,
  lobbyMessageTooLong: (over) => `${over} Zeichen zu lang`,
  lobbyMessageSave: "Speichern",
  lobbyMessageSaved: "Die Nachricht im Warteraum ist gespeichert.",
  repairFor: (browser, system) => `Mit ${browser} unter ${system}:`,
  repairForBrowser: (browser) => `Mit ${browser}:`,
  repair: {
    thisBrowser: "diesem Browser",
    allow: {
      chromium: [
        "Klicken Sie links neben der Adresse der Seite auf das Symbol der Website-Einstellungen.",
        "Schalten Sie Mikrofon und Kamera ein.",
      ],
      edge: [
        "Klicken Sie auf das Schloss links neben der Adresse, dann auf „Berechtigungen für diese Website“.",
        "Wählen Sie für Kamera und Mikrofon „Zulassen“.",
      ],
      firefox: [
        "Klicken Sie links neben der Adresse der Seite auf das durchgestrichene Mikrofon oder die Kamera.",
        "Entfernen Sie jedes „Blockiert“ mit dem Kreuz daneben.",
      ],
      safari: [
        "Öffnen Sie in der Menüleiste Safari, dann „Einstellungen für diese Website“.",
        "Wählen Sie für Kamera und Mikrofon „Erlauben“.",
      ],
      safariIos: [
        "Tippen Sie auf das Symbol links neben der Adresse, dann auf „Website-Einstellungen“.",
        "Wählen Sie für Kamera und Mikrofon „Erlauben“.",
      ],
      chromiumAndroid: [
        "Tippen Sie auf das Symbol links neben der Adresse der Seite, dann auf „Berechtigungen“.",
        "Erlauben Sie Kamera und Mikrofon.",
      ],
      firefoxAndroid: [
        "Tippen Sie auf das Schloss neben der Adresse der Seite.",
        "Tippen Sie neben Kamera und Mikrofon auf „Blockiert“, um sie zu erlauben.",
      ],
      other: [
        "Klicken Sie auf das Symbol links neben der Adresse der Seite (Schloss oder Einstellungen).",
        "Erlauben Sie dieser Website Mikrofon und Kamera.",
      ],
    },
    allowAppIos: [
      (name) => `Öffnen Sie die App „Einstellungen“ des Geräts, dann Apps und ${name}.`,
      (name) => `Schalten Sie Mikrofon und Kamera ein und kehren Sie zu ${name} zurück.`,
    ],
    system: {
      windows: (name) =>
        `Öffnen Sie in den Windows-Einstellungen „Datenschutz und Sicherheit“, dann „Kamera“ und „Mikrofon“: Schalten Sie den Zugriff ein, auch für Desktop-Apps wie ${name}.`,
      macos: (name) =>
        `Öffnen Sie in den Systemeinstellungen des Mac „Datenschutz & Sicherheit“, dann „Kamera“ und „Mikrofon“: Schalten Sie ${name} ein, beenden und öffnen Sie es neu.`,
      ios: (name) => `Öffnen Sie in den iOS-Einstellungen Apps, dann ${name}: Erlauben Sie Kamera und Mikrofon.`,
      android: (name) =>
        `Öffnen Sie in den Android-Einstellungen Apps, ${name}, dann Berechtigungen: Erlauben Sie Kamera und Mikrofon.`,
      chromeos: () =>
        "Öffnen Sie in den ChromeOS-Einstellungen „Datenschutz und Sicherheit“: Schalten Sie Kamera und Mikrofon ein.",
      other: (name) =>
        `Prüfen Sie, ob die Datenschutzeinstellungen Ihres Systems ${name} Mikrofon und Kamera erlauben.`,
    },
    still: (step) => `Keine Änderung? ${step}`,
    managed:
      "Sind diese Einstellungen ausgegraut, hat Ihre IT sie festgelegt: Bitten Sie sie, diese Website zuzulassen.",
    question: (name) => `Wenn ${name} fragt, wählen Sie „Zulassen“.`,
    plugIn: "Schließen Sie das Gerät an oder wählen Sie ein anderes aus der Liste.",
    switches: "Hat das Headset einen Schalter, die Kamera eine Blende oder eine Taste? Sehen Sie nach.",
    closeApps: "Schließen Sie andere Programme und Tabs, die es verwenden (zum Beispiel eine andere Videokonferenz).",
    endCall: "Beenden Sie das Telefonat und schließen Sie andere Apps, die es verwenden.",
    unplug: "Ziehen Sie das Gerät ab und schließen Sie es wieder an.",
    restart: (name) => `Keine Änderung? Schließen Sie ${name} und öffnen Sie es wieder.`,
    insecure: [
      "Diese Seite ist nicht über HTTPS geöffnet: Der Browser verweigert dann Mikrofon und Kamera.",
      "Fragen Sie die einladende Person nach der sicheren Adresse.",
    ],
    retry: { click: "Klicken Sie auf „Erneut versuchen“.", tap: "Tippen Sie auf „Erneut versuchen“." },
  },
};
