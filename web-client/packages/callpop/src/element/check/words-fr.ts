import type { CheckWords } from "./words.ts";

export const fr: CheckWords = {
  title: "Autodiagnostic",
  again: "Tester à nouveau",
  copy: "Copier le rapport",
  copied: "Copié",
  back: "Retour",
  health: { good: "En ordre", attention: "À vérifier", unknown: "Inconnu" },
  subjects: {
    sound: "Son",
    notifications: "Notifications",
    clock: "Horloge",
    connection: "Connexion",
    network: "Réseau local",
    policy: "Politique de la page",
    storage: "Stockage",
    tabs: "Onglets",
    window: "Fenêtre séparée",
  },
  texts: {
    soundOn: "Les appels sonnent dans ce navigateur.",
    soundLocked:
      "Le navigateur attend un clic : cliquez n’importe où dans la page, ou testez à nouveau.",
    soundOff: "La sonnerie est désactivée. Activez-la dans Alertes.",
    soundSilent:
      "Rien n’a été entendu. Vérifiez le volume, le casque, si l’onglet est muet et si ce site peut jouer du son.",
    soundNone:
      "Ce navigateur ne joue aucun son. Utilisez une version récente de Chrome, Edge, Firefox ou Safari.",
    quiet: "« Ne pas déranger » est activé. Désactivez-le pour être alerté.",
    notesOn: "Les appels sont notifiés quand cette page n’est pas au premier plan.",
    notesAsk: "Pas encore autorisées. Choisissez Autoriser dans Alertes.",
    notesDenied:
      "Bloquées. Autorisez les notifications de ce site dans le navigateur, puis rechargez la page.",
    notesNone: "Impossible ici. Ouvrez la page en https, dans son propre onglet.",
    clockRight: "Juste à {time} près.",
    clockAhead:
      "Cet ordinateur avance de {time}. Les durées restent justes ; laissez le système régler l’heure.",
    clockBehind:
      "Cet ordinateur retarde de {time}. Les durées restent justes ; laissez le système régler l’heure.",
    connected: "Connecté, {time} aller-retour jusqu’à la passerelle.",
    connectedShared: "Connecté par un autre onglet, {time} aller-retour.",
    disconnected:
      "{host} est injoignable. Vérifiez le réseau et le VPN ; un pare-feu doit laisser passer les WebSockets.",
    refused: "La passerelle a refusé cette page. Identifiez-vous à nouveau.",
    networkFree: "Aucune autorisation n’est nécessaire.",
    networkAllowed: "La passerelle du réseau local est joignable.",
    networkAsks:
      "{host} est dans un réseau local. Choisissez Autoriser quand le navigateur le demande.",
    networkDenied:
      "Le navigateur interdit à cette page le réseau local où se trouve {host}. Autorisez-le dans les paramètres du site, puis rechargez la page.",
    policyClear: "La page ne bloque rien de nécessaire.",
    policyBlocks:
      "La page bloque la passerelle par {directive}. Demandez à son administrateur d’y autoriser {host}.",
    stored: "Vos choix sont conservés, pour tous les onglets.",
    notStored:
      "Le navigateur ne conserve rien pour cette page. Autorisez les données du site, ou choisissez à chaque fois.",
    tabLeads: "Cet onglet tient la connexion pour tous.",
    tabShares: "Cet onglet utilise la connexion d’un autre.",
    tabAlone: "Cet onglet a sa propre connexion.",
    windowAbove: "Les appels peuvent rester au-dessus de toutes les fenêtres.",
    windowPlain:
      "Une fenêtre ordinaire : seuls Chrome et Edge la gardent au-dessus des autres, et pas depuis un cadre.",
    windowNone: "Cet appareil n’affiche pas de seconde fenêtre.",
    notKnown: "Rien n’en est connu ici.",
  },
};
