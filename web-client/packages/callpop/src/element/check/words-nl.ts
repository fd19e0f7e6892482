import type { CheckWords } from "./words.ts";

export const nl: CheckWords = {
  title: "Zelftest",
  again: "Opnieuw testen",
  copy: "Rapport kopiëren",
  copied: "Gekopieerd",
  back: "Terug",
  health: { good: "In orde", attention: "Vraagt aandacht", unknown: "Onbekend" },
  subjects: {
    sound: "Geluid",
    notifications: "Bureaubladmeldingen",
    clock: "Klok",
    connection: "Verbinding",
    network: "Lokaal netwerk",
    policy: "Beleid van de pagina",
    storage: "Opslag",
    tabs: "Tabbladen",
    window: "Eigen venster",
  },
  texts: {
    soundOn: "Oproepen gaan over in deze browser.",
    soundLocked: "De browser wacht op een klik: klik ergens op de pagina, of test opnieuw.",
    soundOff: "De beltoon staat uit. Schakel hem in bij Meldingen.",
    soundSilent:
      "Er was niets te horen. Controleer het volume, de headset, of het tabblad gedempt is en of deze site geluid mag afspelen.",
    soundNone:
      "Deze browser speelt geen geluid af. Gebruik een recente Chrome, Edge, Firefox of Safari.",
    quiet: "Niet storen staat aan. Schakel het uit om meldingen te krijgen.",
    notesOn: "Oproepen worden gemeld wanneer deze pagina niet vooraan staat.",
    notesAsk: "Nog niet toegestaan. Kies Toestaan bij Meldingen.",
    notesDenied:
      "Geblokkeerd. Sta meldingen voor deze site toe in de browser en laad de pagina opnieuw.",
    notesNone: "Hier niet mogelijk. Open de pagina via https, in een eigen tabblad.",
    clockRight: "Juist op {time} na.",
    clockAhead:
      "Deze computer loopt {time} voor. De tijden kloppen toch; laat het systeem de tijd zelf instellen.",
    clockBehind:
      "Deze computer loopt {time} achter. De tijden kloppen toch; laat het systeem de tijd zelf instellen.",
    connected: "Verbonden, {time} naar de gateway en terug.",
    connectedShared: "Verbonden via een ander tabblad, {time} heen en terug.",
    disconnected:
      "{host} is niet bereikbaar. Controleer netwerk en VPN; een firewall moet WebSockets doorlaten.",
    refused: "De gateway weigerde deze pagina. Meld u opnieuw aan.",
    networkFree: "Er is geen toestemming nodig.",
    networkAllowed: "De gateway in het lokale netwerk is bereikbaar.",
    networkAsks: "{host} staat in een lokaal netwerk. Kies Toestaan wanneer de browser het vraagt.",
    networkDenied:
      "De browser houdt deze pagina weg van het lokale netwerk, waar {host} staat. Sta het toe in de instellingen van de site en laad de pagina opnieuw.",
    policyClear: "De pagina blokkeert niets dat nodig is.",
    policyBlocks:
      "De pagina blokkeert de gateway met {directive}. Vraag de beheerder om {host} daar toe te staan.",
    stored: "Uw keuzes worden bewaard, voor alle tabbladen.",
    notStored:
      "De browser bewaart niets voor deze pagina. Sta sitegegevens toe, of kies telkens opnieuw.",
    tabLeads: "Dit tabblad houdt de verbinding voor alle.",
    tabShares: "Dit tabblad gebruikt de verbinding van een ander.",
    tabAlone: "Dit tabblad heeft een eigen verbinding.",
    windowAbove: "De oproepen kunnen boven alle vensters blijven staan.",
    windowPlain:
      "Een gewoon venster: alleen Chrome en Edge houden het boven andere, en niet vanuit een frame.",
    windowNone: "Dit toestel toont geen tweede venster.",
    notKnown: "Hier is er niets over bekend.",
  },
};
