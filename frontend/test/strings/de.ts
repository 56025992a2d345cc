import type { Strings } from "./index.ts";

export const de: Strings = {
  numbers: "de-DE",
  start: "Test starten",
  again: "Test wiederholen",
  intro: "Ihr Browser fragt nach Mikrofon und Kamera. Niemand sieht oder hört Sie, und nichts wird gespeichert.",
  running: "Test läuft…",
  stepOf: (step, total) => `Schritt ${step} von ${total}`,
  pair: (name, value) => `${name}: ${value}`,

  states: {
    waiting: "Ausstehend",
    running: "Läuft",
    ask: "Sie sind dran",
    good: "Bestanden",
    limited: "Verbesserbar",
    bad: "Fehlgeschlagen",
    absent: "Entfällt",
  },
  titles: {
    browser: "Browser",
    camera: "Kamera",
    microphone: "Mikrofon",
    speaker: "Lautsprecher",
    network: "Netzwerk",
    report: "Bericht für Ihre IT-Abteilung",
  },

  browserName: (name, version) => `${name} ${version}`,
  browserUnknown: "Unbekannter Browser",
  browserOn: (browser, system) => `${browser} unter ${system}`,
  browserVerdicts: {
    good: "Dieser Browser ist geeignet.",
    old: "Dieser Browser ist alt: Er sollte funktionieren, aber aktualisieren Sie ihn so bald wie möglich.",
    insecure:
      "Diese Seite ist nicht über HTTPS geöffnet: Der Browser verweigert dann Mikrofon und Kamera. Fragen Sie nach der sicheren Adresse des Portals.",
    "no-calls":
      "Mit diesem Browser sind keine Besprechungen möglich. Öffnen Sie diese Seite in einer aktuellen Version von Firefox, Chrome, Edge oder Safari; auf einem Telefon nicht innerhalb einer anderen App.",
  },

  asking: "Ihr Browser stellt Ihnen eine Frage, meist oben im Fenster: Wählen Sie „Zulassen“.",
  faults: {
    refused:
      "Der Zugriff wurde verweigert. Klicken Sie auf das Symbol links neben der Adresse der Seite, erlauben Sie Mikrofon und Kamera und wiederholen Sie den Test. Prüfen Sie auch die Datenschutzeinstellungen Ihres Computers.",
    dismissed: "Die Frage nach dem Zugriff wurde geschlossen. Wiederholen Sie den Test und wählen Sie „Zulassen“.",
    system:
      "Das System verweigert den Zugriff. Erlauben Sie dem Browser in dessen Datenschutzeinstellungen Mikrofon und Kamera und wiederholen Sie den Test.",
    missing: "Es wurde kein Gerät gefunden. Schließen Sie es an und wiederholen Sie den Test.",
    busy: "Das Gerät wird von einer anderen Anwendung benutzt. Schließen Sie diese und wiederholen Sie den Test.",
    insecure: "Der Browser verweigert den Zugriff, weil diese Seite nicht über HTTPS geöffnet ist.",
    unknown: "Das Gerät ließ sich nicht öffnen. Stecken Sie es neu ein und wiederholen Sie den Test.",
  },

  cameraPreview: "Ihr Bild",
  cameraGood: (width, height) => `Ihre Kamera funktioniert (${width} × ${height}).`,
  level: "Mikrofonpegel",
  speakNow: "Sprechen Sie: Der Balken muss sich bewegen.",
  microphoneGood: "Ihre Stimme kommt an.",
  microphoneSilent:
    "Wir hören nichts. Prüfen Sie, ob in Ihrem System das richtige Mikrofon gewählt und ob es nicht ausgeschaltet ist.",
  record: "3 Sekunden aufnehmen",
  recording: "Sprechen Sie jetzt…",
  playing: "Hören Sie zu…",
  recordingFailed: "Die Aufnahme konnte nicht abgespielt werden.",
  heardYourself: "Haben Sie sich gehört?",
  devicesOff: "Mikrofon und Kamera ausschalten",
  devicesAreOff: "Mikrofon und Kamera sind aus.",

  speakerIntro: "Auf Ihren Lautsprechern oder Kopfhörern werden drei Töne gespielt.",
  playTone: "Ton abspielen",
  toneFailed: "Der Browser konnte den Ton nicht abspielen.",
  heardTone: "Haben Sie die drei Töne gehört?",
  yes: "Ja",
  no: "Nein",
  speakerGood: "Sie hören den Ton.",
  speakerBad:
    "Erhöhen Sie die Lautstärke, prüfen Sie Kopfhörer und gewählte Ausgabe in Ihrem System und spielen Sie den Ton erneut ab.",
  itselfGood: "Sie haben sich gehört: Ihr Mikrofon ist gut.",
  itselfBad: "Gehen Sie näher an das Mikrofon, oder wählen Sie in Ihren Systemeinstellungen ein anderes.",

  networkAsking: "Das Portal bereitet einen Testraum vor…",
  networkTrying: (path) => `Versuch über ${path}…`,
  networkMeasuring: "Die Bandbreite wird gemessen, etwa zehn Sekunden…",
  networkGood: "Ihr Netzwerk ist geeignet.",
  portalFaults: {
    "no-answer": "Das Portal antwortet nicht. Prüfen Sie Ihre Verbindung.",
    refused: "Das Portal konnte den Test nicht vorbereiten. Versuchen Sie es gleich noch einmal.",
    "too-many": "Zu viele Tests laufen. Warten Sie eine Minute und versuchen Sie es erneut.",
    "no-websocket":
      "Seiten öffnen sich, aber der Medienserver ist blockiert: Eine Firewall oder ein Proxy trennt WebSocket-Verbindungen.",
  },
  paths: { udp: "UDP", tcp: "TCP", turn: "das TURN-Relais" },
  pathLabels: { udp: "Direkter Weg (UDP)", tcp: "Ausweichweg (TCP)", turn: "Relais (TURN)" },
  pathPassed: "funktioniert",
  pathBlocked: (targets) => `blockiert: ${targets}`,
  pathBlockedUnnamed: "funktioniert nicht",
  blocked: (targets) => `Blockiert: ${targets}`,
  pathAbsent: "von diesem Portal nicht angeboten",
  bandwidth: "Bandbreite",
  bandwidthValue: (megabits) => `mindestens ${megabits} Mbit/s`,
  loss: "Verluste",
  lossValue: (percent) => `${percent} %`,
  roundTrip: "Umlaufzeit",
  roundTripValue: (ms) => `${ms} ms`,

  verdicts: {
    unanswered:
      "Bisher ist alles in Ordnung. Eine Frage ist noch offen: Spielen Sie den Ton der Lautsprecher ab und sagen Sie, ob Sie ihn gehört haben.",
    unmeasured:
      "Alles funktioniert, aber die Bandbreite Ihres Netzwerks ließ sich nicht messen: Wiederholen Sie den Test, um sie zu erfahren.",
    "all-good": "Alles funktioniert: Sie sind bereit für eine Besprechung.",
    browser: "Wechseln oder aktualisieren Sie Ihren Browser vor der Besprechung.",
    insecure: "Öffnen Sie das Portal unter seiner sicheren Adresse (https): ohne sie weder Mikrofon noch Kamera.",
    portal: "Das Portal ist von hier aus zurzeit nicht erreichbar.",
    "too-many":
      "Das Netzwerk konnte nicht getestet werden: zu viele Tests gleichzeitig. Wiederholen Sie den Test in einer Minute.",
    "no-websocket": "Ihr Netzwerk blockiert Besprechungen: Geben Sie den Bericht unten Ihrer IT-Abteilung.",
    "no-path": "Ihr Netzwerk blockiert Ton und Bild: Geben Sie den Bericht unten Ihrer IT-Abteilung.",
    slow: "Sie können teilnehmen, aber Ihre Verbindung ist schwach: Bilder werden eventuell verkleinert.",
    "very-slow": "Ihre Verbindung reicht für Ton, nicht für Bilder: Schalten Sie in Besprechungen Ihre Kamera aus.",
    detour: "Sie können teilnehmen, aber auf einem Ausweichweg: Bild und Ton können sich verzögern.",
    microphone: "Sie werden die Besprechung sehen und hören, aber niemand hört Sie: Prüfen Sie Ihr Mikrofon.",
    sound: "Es gibt noch ein Problem mit dem Ton: Folgen Sie den Hinweisen unten und wiederholen Sie den Test.",
    camera: "Sie können teilnehmen, aber ohne Bild: Ihre Kamera ließ sich nicht öffnen.",
  },
  unanswered: "Beantworten Sie zum Schluss die Fragen zum Ton.",

  reportIntro:
    "Er enthält keine personenbezogenen Daten: weder Namen noch die Adresse Ihres Computers noch Gerätenamen.",
  reportTitle: "Visio – Test der Ausstattung",
  reportTime: "Zeit",
  reportPortal: "Portal",
  reportVerdict: "Ergebnis",
  reportPermissions: "Vom Browser gewährter Zugriff",
  reportHeardBack: "Hört sich selbst",
  reportText: "Text des Berichts",
  notAnswered: "keine Antwort",
  notTested: "nicht getestet",
  copy: "Bericht kopieren",
  copied: "Kopiert",
  download: "Bericht herunterladen",
  fileName: "visio-test.txt",
};
