// Texts of the stage: tiles, layouts, what a tile says of its picture, full screen and picture-in-picture, coming back to the page.

export const fr = {
  nameless: "Personne sans nom",
  tileActs: (name: string) => `Actions pour l’image : ${name}`,
  pin: "Épingler en grand",
  unpin: "Ne plus épingler",
  pinned: (name: string) => `Épinglé : ${name}`,
  unpinned: (name: string) => `N’est plus épinglé : ${name}`,
  nothingToPin: "Il n’y a personne à épingler.",
  hideSelf: "Masquer mon image",
  showSelf: "Afficher mon image",
  selfIsHidden: "Votre image est masquée pour vous. Les autres la voient toujours.",
  selfIsShown: "Votre image est affichée.",
  handRaised: (place: number) => `main levée, numéro ${place}`,

  layout: "Disposition",
  layouts: { auto: "Automatique", grid: "Grille", speaker: "Qui parle en grand" },
  layoutIs: (layout: string) => `Disposition : ${layout}`,
  fullScreen: "Plein écran",
  leaveFullScreen: "Quitter le plein écran",
  fullScreenFailed: "Le navigateur n’a pas permis le plein écran.",
  pip: "Image dans l’image",
  leavePip: "Fermer l’image dans l’image",
  pipFailed: "Le navigateur n’a pas permis l’image dans l’image.",
  pipTitle: (room: string) => `${room} – petite fenêtre`,
  switchCamera: "Changer de caméra (avant, arrière)",
  pinKey: "Épingler l’image choisie, ou qui parle",
  cameraIsFront: "Caméra avant",
  cameraIsBack: "Caméra arrière",
  devices: "Micro, haut-parleur et caméra",

  callLength: "Durée de la réunion",
  shareStarts: (name: string) => `${name} commence à partager son écran…`,

  /** In two or three words. */
  picture: {
    "camera-off": "caméra coupée",
    starting: "image en cours d’ouverture",
    paused: "image en pause",
    "sound-first": "images coupées à votre demande",
    "their-link": "connexion faible",
    "their-link-lost": "connexion perdue",
    "your-link": "votre connexion est faible",
    "your-own-link": "votre connexion est faible",
  },
  /** In a sentence: whose fault, and whether to wait. */
  why: {
    "camera-off": (name: string) => `Pas d’image : la caméra de ${name} est coupée.`,
    starting: (name: string) => `L’image de ${name} arrive dans un instant.`,
    paused: (name: string) =>
      `L’image de ${name} est en pause pour préserver le son sur votre connexion. Elle reviendra d’elle-même.`,
    "sound-first": (_name: string) =>
      "Vous avez choisi le son d’abord : les images sont coupées. Le menu « Plus » les rétablit.",
    "their-link": (name: string) => `L’image peut se figer : la connexion de ${name} est faible.`,
    "their-link-lost": (name: string) => `La connexion de ${name} est coupée. Nous attendons son retour.`,
    "your-link": (name: string) => `L’image de ${name} peut se figer : votre connexion est faible.`,
    "your-own-link": (_name: string) =>
      "Votre connexion est faible : les autres vous voient moins bien. Le son passe d’abord.",
  },
  soundFirst: "Le son est revenu, les images suivent…",

  trackReopened: {
    microphone: "Votre micro avait été interrompu (appel ou écran verrouillé). Il est de nouveau ouvert.",
    camera: "Votre caméra avait été interrompue (appel ou écran verrouillé). Elle est de nouveau ouverte.",
  },
  trackLost: {
    microphone: "Votre micro a été interrompu et ne s’ouvre plus. Appuyez sur « Micro » pour réessayer.",
    camera: "Votre caméra a été interrompue et ne s’ouvre plus. Appuyez sur « Caméra » pour réessayer.",
  },
  inApp: (app: string, browser: string) =>
    app === ""
      ? `Cette page est ouverte dans une application. Pour le micro et la caméra, ouvrez-la dans ${browser}.`
      : `Cette page est ouverte dans ${app}. Pour le micro et la caméra, ouvrez-la dans ${browser}.`,
  inAppHow: (browser: string) =>
    `Touchez le menu de l’application (… ou ⋮), puis « Ouvrir dans ${browser} » ; ou copiez le lien et collez-le dans ${browser}.`,
};

type Shape = {
  [K in keyof typeof fr]: (typeof fr)[K];
};

export const en: Shape = {
  nameless: "Somebody without a name",
  tileActs: (name) => `Actions for picture: ${name}`,
  pin: "Pin as large picture",
  unpin: "Unpin",
  pinned: (name) => `Pinned: ${name}`,
  unpinned: (name) => `No longer pinned: ${name}`,
  nothingToPin: "There is nobody to pin.",
  hideSelf: "Hide my own picture",
  showSelf: "Show my own picture",
  selfIsHidden: "Your picture is hidden from you. The others still see it.",
  selfIsShown: "Your picture is shown.",
  handRaised: (place) => `hand raised, number ${place}`,

  layout: "Layout",
  layouts: { auto: "Automatic", grid: "Grid", speaker: "Speaker large" },
  layoutIs: (layout) => `Layout: ${layout}`,
  fullScreen: "Full screen",
  leaveFullScreen: "Leave full screen",
  fullScreenFailed: "The browser did not allow full screen.",
  pip: "Picture-in-picture",
  leavePip: "Close picture-in-picture",
  pipFailed: "The browser did not allow picture-in-picture.",
  pipTitle: (room) => `${room} – small window`,
  switchCamera: "Switch camera (front, back)",
  pinKey: "Pin the chosen picture, or who speaks",
  cameraIsFront: "Front camera",
  cameraIsBack: "Back camera",
  devices: "Microphone, speaker and camera",
  callLength: "Length of the meeting",
  shareStarts: (name) => `${name} starts sharing their screen…`,

  picture: {
    "camera-off": "camera off",
    starting: "picture is starting",
    paused: "picture paused",
    "sound-first": "pictures off, as you wished",
    "their-link": "weak connection",
    "their-link-lost": "connection lost",
    "your-link": "your connection is weak",
    "your-own-link": "your connection is weak",
  },
  why: {
    "camera-off": (name) => `No picture: the camera of ${name} is off.`,
    starting: (name) => `The picture of ${name} will be here in a moment.`,
    paused: (name) =>
      `The picture of ${name} is paused to keep the sound on your connection. It will come back by itself.`,
    "sound-first": () => "You chose sound first: pictures are off. The “More” menu brings them back.",
    "their-link": (name) => `The picture may freeze: the connection of ${name} is weak.`,
    "their-link-lost": (name) => `The connection of ${name} is cut. We are waiting for it to come back.`,
    "your-link": (name) => `The picture of ${name} may freeze: your connection is weak.`,
    "your-own-link": () => "Your connection is weak: the others see you less well. Sound goes first.",
  },
  soundFirst: "The sound is back, pictures follow…",

  trackReopened: {
    microphone: "Your microphone had been interrupted (a call or a locked screen). It is open again.",
    camera: "Your camera had been interrupted (a call or a locked screen). It is open again.",
  },
  trackLost: {
    microphone: "Your microphone was interrupted and does not open again. Press “Microphone” to try once more.",
    camera: "Your camera was interrupted and does not open again. Press “Camera” to try once more.",
  },
  inApp: (app, browser) =>
    app === ""
      ? `This page is open inside an app. For microphone and camera, open it in ${browser}.`
      : `This page is open inside ${app}. For microphone and camera, open it in ${browser}.`,
  inAppHow: (browser) =>
    `Tap the app’s menu (… or ⋮), then “Open in ${browser}”; or copy the link and paste it into ${browser}.`,
};

export const de: Shape = {
  nameless: "Person ohne Namen",
  tileActs: (name) => `Aktionen für das Bild: ${name}`,
  pin: "Groß anheften",
  unpin: "Nicht mehr anheften",
  pinned: (name) => `Angeheftet: ${name}`,
  unpinned: (name) => `Nicht mehr angeheftet: ${name}`,
  nothingToPin: "Es ist niemand zum Anheften da.",
  hideSelf: "Eigenes Bild ausblenden",
  showSelf: "Eigenes Bild einblenden",
  selfIsHidden: "Ihr Bild ist für Sie ausgeblendet. Die anderen sehen es weiterhin.",
  selfIsShown: "Ihr Bild ist eingeblendet.",
  handRaised: (place) => `Hand gehoben, Nummer ${place}`,

  layout: "Anordnung",
  layouts: { auto: "Von selbst", grid: "Raster", speaker: "Sprechende Person groß" },
  layoutIs: (layout) => `Anordnung: ${layout}`,
  fullScreen: "Vollbild",
  leaveFullScreen: "Vollbild verlassen",
  fullScreenFailed: "Der Browser hat das Vollbild nicht erlaubt.",
  pip: "Bild-im-Bild",
  leavePip: "Bild-im-Bild schließen",
  pipFailed: "Der Browser hat Bild-im-Bild nicht erlaubt.",
  pipTitle: (room) => `${room} – kleines Fenster`,
  switchCamera: "Kamera wechseln (vorn, hinten)",
  pinKey: "Gewähltes Bild anheften, oder wer spricht",
  cameraIsFront: "Vordere Kamera",
  cameraIsBack: "Hintere Kamera",
  devices: "Mikrofon, Lautsprecher und Kamera",
  callLength: "Dauer der Besprechung",
  shareStarts: (name) => `${name} beginnt, den Bildschirm zu teilen…`,

  picture: {
    "camera-off": "Kamera aus",
    starting: "Bild wird geöffnet",
    paused: "Bild angehalten",
    "sound-first": "Bilder auf Ihren Wunsch aus",
    "their-link": "schwache Verbindung",
    "their-link-lost": "Verbindung verloren",
    "your-link": "Ihre Verbindung ist schwach",
    "your-own-link": "Ihre Verbindung ist schwach",
  },
  why: {
    "camera-off": (name) => `Kein Bild: Die Kamera von ${name} ist aus.`,
    starting: (name) => `Das Bild von ${name} ist gleich da.`,
    paused: (name) =>
      `Das Bild von ${name} ist angehalten, damit der Ton über Ihre Verbindung kommt. Es kehrt von selbst zurück.`,
    "sound-first": () =>
      "Sie haben „Ton zuerst“ gewählt: Die Bilder sind aus. Das Menü „Mehr“ schaltet sie wieder ein.",
    "their-link": (name) => `Das Bild kann stocken: Die Verbindung von ${name} ist schwach.`,
    "their-link-lost": (name) => `Die Verbindung von ${name} ist unterbrochen. Wir warten auf die Rückkehr.`,
    "your-link": (name) => `Das Bild von ${name} kann stocken: Ihre Verbindung ist schwach.`,
    "your-own-link": () => "Ihre Verbindung ist schwach: Die anderen sehen Sie schlechter. Der Ton geht vor.",
  },
  soundFirst: "Der Ton ist wieder da, die Bilder folgen…",

  trackReopened: {
    microphone: "Ihr Mikrofon war unterbrochen (Anruf oder gesperrter Bildschirm). Es ist wieder offen.",
    camera: "Ihre Kamera war unterbrochen (Anruf oder gesperrter Bildschirm). Sie ist wieder offen.",
  },
  trackLost: {
    microphone:
      "Ihr Mikrofon wurde unterbrochen und öffnet sich nicht mehr. Drücken Sie „Mikrofon“, um es noch einmal zu versuchen.",
    camera:
      "Ihre Kamera wurde unterbrochen und öffnet sich nicht mehr. Drücken Sie „Kamera“, um es noch einmal zu versuchen.",
  },
  inApp: (app, browser) =>
    app === ""
      ? `Diese Seite ist in einer App geöffnet. Öffnen Sie sie für Mikrofon und Kamera in ${browser}.`
      : `Diese Seite ist in ${app} geöffnet. Öffnen Sie sie für Mikrofon und Kamera in ${browser}.`,
  inAppHow: (browser) =>
    `Tippen Sie auf das Menü der App (… oder ⋮), dann „In ${browser} öffnen“; oder kopieren Sie den Link und fügen Sie ihn in ${browser} ein.`,
};
