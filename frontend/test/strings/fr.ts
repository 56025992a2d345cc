import type { DeviceFault } from "../../call/devicefault.ts";
import type { BrowserVerdict } from "../browser.ts";
import type { PathName, PortalFault, Reason } from "../results.ts";

export const fr = {
  /** How figures are written. */
  numbers: "fr-FR",
  start: "Commencer le test",
  again: "Recommencer le test",
  intro:
    "Votre navigateur va demander l’accès au microphone et à la caméra. Personne ne vous voit ni ne vous entend, rien n’est conservé.",
  running: "Test en cours…",
  stepOf: (step: string, total: string) => `Étape ${step} sur ${total}`,
  pair: (name: string, value: string) => `${name} : ${value}`,

  states: {
    waiting: "À venir",
    running: "En cours",
    ask: "À vous",
    good: "Réussi",
    limited: "À améliorer",
    bad: "Échec",
    absent: "Sans objet",
  },
  titles: {
    browser: "Navigateur",
    camera: "Caméra",
    microphone: "Microphone",
    speaker: "Haut-parleurs",
    network: "Réseau",
    report: "Rapport pour votre service informatique",
  },

  browserName: (name: string, version: string) => `${name} ${version}`,
  browserUnknown: "Navigateur inconnu",
  browserOn: (browser: string, system: string) => `${browser} sous ${system}`,
  browserVerdicts: {
    good: "Ce navigateur convient.",
    old: "Ce navigateur est ancien : il devrait fonctionner, mais mettez-le à jour dès que possible.",
    insecure:
      "Cette page n’est pas ouverte en HTTPS : le navigateur refuse alors le microphone et la caméra. Demandez l’adresse sécurisée du portail.",
    "no-calls":
      "Ce navigateur ne permet pas les réunions. Ouvrez cette page dans une version récente de Firefox, Chrome, Edge ou Safari ; sur un téléphone, pas à l’intérieur d’une autre application.",
  } satisfies Record<BrowserVerdict, string>,

  asking: "Le navigateur vous pose une question, en général en haut de la fenêtre : choisissez « Autoriser ».",
  faults: {
    refused:
      "L’accès a été refusé. Cliquez sur l’icône à gauche de l’adresse de la page, autorisez le microphone et la caméra, puis recommencez. Vérifiez aussi les réglages de confidentialité de votre ordinateur.",
    dismissed: "La demande d’accès a été fermée. Recommencez le test et choisissez « Autoriser ».",
    system:
      "Le système refuse l’accès. Dans ses réglages de confidentialité, autorisez le navigateur à utiliser le microphone et la caméra, puis recommencez.",
    missing: "Aucun appareil n’a été trouvé. Branchez-le, puis recommencez le test.",
    busy: "L’appareil est utilisé par une autre application. Fermez-la, puis recommencez le test.",
    insecure: "Le navigateur refuse l’accès parce que cette page n’est pas ouverte en HTTPS.",
    unknown: "L’appareil ne s’est pas ouvert. Débranchez-le, rebranchez-le, puis recommencez le test.",
  } satisfies Record<DeviceFault, string>,

  cameraPreview: "Votre image",
  cameraGood: (width: string, height: string) => `Votre caméra fonctionne (${width} × ${height}).`,
  level: "Niveau du microphone",
  speakNow: "Parlez : la barre doit bouger.",
  microphoneGood: "Votre voix arrive.",
  microphoneSilent:
    "Nous n’entendons rien. Vérifiez que le bon microphone est choisi dans votre système et que son interrupteur n’est pas coupé.",
  record: "Enregistrer 3 secondes",
  recording: "Parlez maintenant…",
  playing: "Écoutez…",
  recordingFailed: "L’enregistrement n’a pas pu être lu.",
  heardYourself: "Vous êtes-vous entendu ?",
  devicesOff: "Couper microphone et caméra",
  devicesAreOff: "Microphone et caméra sont coupés.",

  speakerIntro: "Trois notes seront jouées sur vos haut-parleurs ou votre casque.",
  playTone: "Jouer le son",
  toneFailed: "Le navigateur n’a pas pu jouer le son.",
  heardTone: "Avez-vous entendu les trois notes ?",
  yes: "Oui",
  no: "Non",
  speakerGood: "Vous entendez le son.",
  speakerBad: "Augmentez le volume, vérifiez le casque et la sortie choisie dans votre système, puis rejouez le son.",
  itselfGood: "Vous vous êtes entendu : votre microphone est bon.",
  itselfBad: "Rapprochez-vous du microphone, ou choisissez-en un autre dans les réglages de votre système.",

  networkAsking: "Le portail prépare une salle de test…",
  networkTrying: (path: string) => `Essai par ${path}…`,
  networkMeasuring: "Mesure du débit, environ dix secondes…",
  networkGood: "Votre réseau convient.",
  portalFaults: {
    "no-answer": "Le portail ne répond pas. Vérifiez votre connexion.",
    refused: "Le portail n’a pas pu préparer le test. Recommencez dans un moment.",
    "too-many": "Trop de tests sont en cours. Attendez une minute, puis recommencez.",
    "no-websocket":
      "Les pages s’ouvrent, mais le serveur multimédia est bloqué : un pare-feu ou un proxy coupe les connexions WebSocket.",
  } satisfies Record<PortalFault, string>,
  paths: { udp: "UDP", tcp: "TCP", turn: "le relais TURN" } satisfies Record<PathName, string>,
  pathLabels: {
    udp: "Voie directe (UDP)",
    tcp: "Voie de secours (TCP)",
    turn: "Relais (TURN)",
  } satisfies Record<PathName, string>,
  pathPassed: "fonctionne",
  pathBlocked: (targets: string) => `bloquée : ${targets}`,
  pathBlockedUnnamed: "ne fonctionne pas",
  blocked: (targets: string) => `Bloqué : ${targets}`,
  pathAbsent: "non proposé par ce portail",
  bandwidth: "Débit",
  bandwidthValue: (megabits: string) => `au moins ${megabits} Mbit/s`,
  loss: "Pertes",
  lossValue: (percent: string) => `${percent} %`,
  roundTrip: "Aller-retour",
  roundTripValue: (ms: string) => `${ms} ms`,

  verdicts: {
    unanswered:
      "Rien à signaler jusqu’ici. Il reste une question : jouez le son des haut-parleurs, puis dites si vous l’avez entendu.",
    unmeasured:
      "Tout fonctionne, mais le débit de votre réseau n’a pas pu être mesuré : recommencez le test pour le connaître.",
    "all-good": "Tout fonctionne : vous êtes prêt pour une réunion.",
    browser: "Changez de navigateur, ou mettez-le à jour, avant votre réunion.",
    insecure: "Ouvrez le portail à son adresse sécurisée (https) : sans elle, ni microphone ni caméra.",
    portal: "Le portail n’est pas joignable d’ici pour le moment.",
    "too-many": "Le réseau n’a pas pu être testé : trop de tests en même temps. Recommencez dans une minute.",
    "no-websocket": "Votre réseau bloque les réunions : donnez le rapport ci-dessous à votre service informatique.",
    "no-path": "Votre réseau bloque le son et l’image : donnez le rapport ci-dessous à votre service informatique.",
    slow: "Vous pouvez participer, mais votre connexion est faible : l’image pourra être réduite.",
    "very-slow": "Votre connexion suffit pour le son, pas pour l’image : coupez votre caméra en réunion.",
    detour: "Vous pouvez participer, mais par une voie de secours : image et son peuvent être retardés.",
    microphone: "Vous verrez et entendrez la réunion, mais on ne vous entendra pas : vérifiez votre microphone.",
    sound: "Il reste un problème de son : suivez les conseils ci-dessous, puis recommencez.",
    camera: "Vous pouvez participer, mais sans image : votre caméra ne s’est pas ouverte.",
  } satisfies Record<Reason, string>,
  unanswered: "Pour finir, répondez aux questions sur le son.",

  reportIntro: "Il ne contient aucune donnée personnelle : ni nom, ni adresse de votre ordinateur, ni nom d’appareil.",
  reportTitle: "Visio – test de l’équipement",
  reportTime: "Date",
  reportPortal: "Portail",
  reportVerdict: "Résultat",
  reportPermissions: "Accès accordé par le navigateur",
  reportHeardBack: "S’entend soi-même",
  reportText: "Texte du rapport",
  notAnswered: "sans réponse",
  notTested: "non testé",
  copy: "Copier le rapport",
  copied: "Copié",
  download: "Télécharger le rapport",
  fileName: "test-visio.txt",
};
