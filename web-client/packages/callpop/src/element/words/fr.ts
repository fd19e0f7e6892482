import type { Words } from "./words.ts";

export const fr: Words = {
  language: "fr",
  calls: "Appels",
  connection: {
    idle: "Non connecté",
    connecting: "Connexion…",
    unreachable: "Passerelle injoignable, nouvel essai en cours…",
    connected: "Prêt à répondre",
    reconnecting: "Reconnexion…",
    outdated: "Ce que vous voyez n’est peut-être plus à jour.",
    refused: "Non connecté",
    closed: "Déconnecté",
    tryAgain: "Réessayer",
    refusal: {
      token:
        "Votre session a expiré ou n’est pas valide. Identifiez-vous à nouveau pour recevoir des appels.",
      forbidden:
        "Cette page n’est pas autorisée à recevoir des appels ici. Contactez votre administrateur.",
      too_many_sessions:
        "Vous êtes connecté à trop d’endroits. Fermez quelques onglets, puis réessayez.",
      too_many_frames: "Cette page a trop envoyé à la passerelle et a été déconnectée.",
      malformed_frame:
        "La passerelle n’a pas compris cette page. Rechargez-la pour la mettre à jour.",
    },
  },
  state: {
    incoming: "Appel entrant",
    outgoing: "Appel sortant",
    active: "En communication",
    held: "En attente",
    answered: "Appel terminé",
    missed: "Appel manqué",
    noAnswer: "Pas de réponse",
    expired: "Fin non confirmée",
    elsewhere: "Répondu ailleurs",
  },
  internal: "Interne",
  unconfirmed: "non confirmé",
  unconfirmedSince: "Aucune nouvelle depuis {time}. L’appel est peut-être terminé.",
  transferPending: "Transfert de {via}, à l’origine {number}",
  transferPendingUnknown: "Transfert de {via}",
  transferDone: "Transféré par {via}",
  answeredBy: "Répondu par {who}",
  toLine: "vers {line}",
  fromLine: "depuis {line}",
  talkedFor: "Conversation {duration}",
  rang: "Sonnerie {duration}",
  onHoldFor: "{duration} en attente",
  unknown: "Numéro inconnu",
  colleague: "un collègue",
  dismiss: "Fermer l’appel avec {who}",
  announce: "Appel entrant de {who}",
  quiet: "Aucun appel en ce moment",
  noExtension:
    "Aucun poste ne vous est attribué. Demandez-en un à votre administrateur pour recevoir des appels ici.",
  otherCalls: {
    one: "{count} autre appel",
    many: "{count} d’autres appels",
    other: "{count} autres appels",
  },
  missedCount: { one: "{count} manqué", many: "{count} manqués", other: "{count} manqués" },
  part: { loading: "Chargement…", failed: "Cette partie n’a pas pu être chargée." },
  summary: "Résumé de l’appel",
};
