"""Which column is which: names in French, English and German, and a file of one's own names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from accounts.provisioning.problems import FileRefused

# The order in which a row's values are kept and digested.
PEOPLE_FIELDS = (
    "hr_id",
    "email",
    "first_name",
    "last_name",
    "organisation",
    "siret",
    "manager_hr_id",
    "arrives_on",
    "leaves_on",
    "status",
)
_PEOPLE_ALIASES: dict[str, str] = {
    "hr_id": "id_rh idrh matricule numero_agent n_agent no_agent identifiant identifiant_rh employee_id "
    "employee_number personnel_number staff_id personalnummer",
    "email": "e_mail mail courriel mel adresse_mail adresse_e_mail adresse_email adresse_courriel adresse_electronique "
    "adresse_de_messagerie email_address e_mail_address mail_address",
    "first_name": "prenom prenoms given_name vorname firstname",
    "last_name": "nom nom_usuel nom_d_usage nom_de_famille surname family_name nachname lastname",
    "organisation": "organization code_organisation organisation_code organisation_id org_code code_structure "
    "structure code_service service code_unite unite unit affectation code_affectation entite dienststelle",
    "siret": "numero_siret n_siret siret_etablissement siret_number",
    "manager_hr_id": "manager manager_id responsable matricule_responsable matricule_manager id_responsable "
    "superieur matricule_superieur vorgesetzter",
    "arrives_on": "date_arrivee arrivee date_d_arrivee date_entree date_d_entree arrival arrival_date start_date "
    "date_debut date_de_debut eintritt",
    "leaves_on": "date_depart depart date_de_depart date_sortie date_de_sortie departure departure_date leaving_date "
    "end_date date_fin date_de_fin austritt",
    "status": "statut etat state situation",
}
_ORGANISATION_ALIASES: dict[str, str] = {
    "key": "cle code identifiant id code_organisation code_structure code_service organisation_id external_id "
    "schluessel",
    "name": "nom libelle intitule designation title bezeichnung label",
    "siret": "numero_siret n_siret siret_etablissement siret_number",
    "parent": "code_parent parent_key rattachement code_rattachement structure_parente parente superieur part_of "
    "uebergeordnet",
    "closed_on": "date_fermeture fermee_le date_de_fermeture closing_date geschlossen_am date_fin",
}


class Vocabulary:
    """The fields of a kind of file, those that it needs, and what people call them."""

    def __init__(self, fields: tuple[str, ...], required: tuple[str, ...], aliases: Mapping[str, str]) -> None:
        self.fields, self.required = fields, required
        self.known = {alias: field for field, names in aliases.items() for alias in (field, *names.split())}


PEOPLE = Vocabulary(PEOPLE_FIELDS, ("hr_id", "email"), _PEOPLE_ALIASES)
ORGANISATIONS = Vocabulary(("key", "name", "siret", "parent", "closed_on"), ("key", "name"), _ORGANISATION_ALIASES)


@dataclass(frozen=True, slots=True)
class Columns:
    """`places[field]` is its column's index; `titles[field]` is what the file calls it. `ignored` are the others."""

    vocabulary: Vocabulary
    places: Mapping[str, int]
    titles: Mapping[str, str]
    ignored: Sequence[str]
    width: int

    @property
    def fields(self) -> tuple[str, ...]:
        """Those the file has, in the vocabulary's order."""
        return tuple(field for field in self.vocabulary.fields if field in self.places)


def find_columns(
    header: Sequence[str], own_names: Mapping[str, str] | None = None, vocabulary: Vocabulary = PEOPLE
) -> Columns:
    """Raises `FileRefused` for a header that names a field twice, or not at all where it is needed."""
    own = {_simple(title): field for field, title in (own_names or {}).items()}
    places: dict[str, int] = {}
    ignored = []
    for index, title in enumerate(header):
        name = _simple(title)
        # One's own names come first: a field that has one is not looked for under others.
        field = own.get(name) or vocabulary.known.get(name)
        if field is not None and name not in own and own_names and field in own_names:
            field = None
        if field is None:
            if title.strip():
                ignored.append(title.strip()[:60])
        elif field in places:
            first = header[places[field]]
            text = _("Two columns are %(field)s: “%(first)s” and “%(second)s”. Remove one, or name one with --map.")
            raise FileRefused(text % {"field": field, "first": first.strip(), "second": title.strip()})
        else:
            places[field] = index
    for field, title in (own_names or {}).items():
        if field not in places:
            text = _("The header has no column “%(title)s”, which --map names for %(field)s.")
            raise FileRefused(text % {"title": title, "field": field})
    missing = [field for field in vocabulary.required if field not in places]
    if missing:
        text = _("The header names no column for %(missing)s. It has: %(header)s. Name them with --map.")
        titles = ", ".join(title.strip()[:40] for title in header[:30])
        raise FileRefused(text % {"missing": ", ".join(missing), "header": titles})
    titles_of = {field: header[place].strip() for field, place in places.items()}
    return Columns(vocabulary, places, titles_of, ignored, len(header))


def read_own_names(path: Path, vocabulary: Vocabulary = PEOPLE) -> dict[str, str]:
    """A file of lines `field = Title of the column`; # begins a comment. Raises `FileRefused`."""
    found: dict[str, str] = {}
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(_("The file of column names cannot be read: %(error)s") % {"error": error}) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        field, separator, title = (part.strip() for part in line.partition("="))
        if not separator or not title or field not in vocabulary.fields or field in found:
            words = _("Line %(number)d of the file of column names is not `field = title`, with one of: %(fields)s.")
            raise FileRefused(words % {"number": number, "fields": ", ".join(vocabulary.fields)})
        found[field] = title
    return found


def _simple(title: str) -> str:
    """Lower case, without accents; whatever is no letter or digit is one underscore."""
    text = unicodedata.normalize("NFKD", title.strip().casefold())
    text = "".join(char for char in text if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")
