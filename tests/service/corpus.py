"""A corpus of our own for tests of retrieval: what a travel office knows of sixty harbours, and questions about them.

Ten short passages a harbour differ in what they are about and share their words with those of all other harbours. Half
of the questions use the passages' own words; the others are misspelt, or put words together or bend them.
"""

from dataclasses import dataclass

_NAMES = (
    "Aldersund Brakholm Cindervik Dunmarsh Eskerby Fallowick Gribshavn Hollenes Ivarsund Jorlund "
    "Kestrelby Lindermark Marrowness Nordskaer Osterhage Pellingham Quarnwick Ravnsborg Skarvoya Tarnholm "
    "Ulversand Vestermarn Wrackstone Yarlsundet Zetlevik Ambernes Birkhavn Corrinsay Drangholt Elmervik "
    "Fjordane Grasholm Heronsby Inverlock Juniperness Kaldvika Loomhaven Mossgard Nettlewick Ormsay "
    "Plovertun Quillhaven Rustenborg Silverholt Thornesund Undrevik Valderby Wintersay Yewmarsh Zandersund "
    "Ashcombe Bellmoor Copperness Dovrehavn Everstrand Foxholm Gannetwick Hazelsund Islaberg Kingfisher "
)
HARBOURS = tuple(_NAMES.split())

# About each harbour: the passage, a plain question, and one as somebody in a hurry types it.
TOPICS = (
    ("The ferry to {h} leaves at {n} past every hour and takes bicycles without a charge.",
     "When does the ferry to {h} leave?", "ferrys {m} departure bicyclists"),
    ("A night in the guest house of {h} costs {n} crowns, breakfast and clean towels included.",
     "What does a night in the guest house of {h} cost?", "guesthouse {m} overnight breakfasts"),
    ("The lighthouse of {h} has {n} steps and may be climbed from May to September.",
     "How many steps has the lighthouse of {h}?", "{m} lighthouses climbing stepps"),
    ("The fish market of {h} opens {n} minutes before sunrise and sells out quickly.",
     "When does the fish market of {h} open?", "fishmarket {m} openning"),
    ("The doctor of {h} sees patients on Tuesdays in the yellow house, number {n}.",
     "Where does the doctor of {h} see patients?", "{m} doctors patient tuesdayish"),
    ("Swimmers at {h} keep clear of the current that runs {n} metres off the pier.",
     "How far off the pier runs the current at {h}?", "swimming {m} currents peer"),
    ("The museum of {h} shows {n} ship models that a sailmaker carved in winter.",
     "What does the museum of {h} show?", "{m} musuem shipmodels carving"),
    ("In {h} the library lends out {n} umbrellas, to be given back within a week.",
     "How many umbrellas does the library in {h} lend?", "umbrela lending librarys {m}"),
    ("The bakery of {h} makes {n} loaves of rye bread, and rolls with cardamom.",
     "How many loaves does the bakery of {h} make?", "bakerys {m} ryebread cardamon rolls"),
    ("Boats moor in {h} for {n} hours at most, after that the harbour master fines them.",
     "How long may boats moor in {h}?", "mooring {m} harbourmasters finedd"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the name of the one file that answers it."""

    text: str
    answered_by: str


def passages() -> dict[str, str]:
    """Six hundred short files by their names."""
    return {
        f"{harbour}-{number}.txt": passage.format(h=harbour, n=7 + 3 * place + number)
        for place, harbour in enumerate(HARBOURS)
        for number, (passage, _, _) in enumerate(TOPICS)
    }


def questions() -> list[Question]:
    """Fifty, spread over harbours and topics; every other one is as somebody in a hurry types it."""
    made = []
    for number in range(50):
        harbour, topic = HARBOURS[(number * 7) % len(HARBOURS)], (number * 3) % len(TOPICS)
        _, plain, hurried = TOPICS[topic]
        said = hurried.format(m=_misspelt(harbour)) if number % 2 else plain.format(h=harbour)
        made.append(Question(said, f"{harbour}-{topic}.txt"))
    return made


def _misspelt(name: str) -> str:
    """A letter in the middle is doubled."""
    middle = len(name) // 2
    return (name[:middle] + name[middle - 1] + name[middle:]).lower()
