"""The whole main job without a mouse: names, roles, states, the focus and what is said are right after each step."""

from pathlib import Path

import pytest

from tests.keyboard import Focus, Keyboard
from tests.people import ALICE, PASSWORD
from tests.portal import Portal
from tests.screens import assert_screens_meet, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

HOST, GUEST = "Alice Martin", "Bob Petit"
FIELD = Focus("textbox", "Votre message à tout le monde")


async def test_a_call_is_held_by_keyboard_alone(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host_screen, chromium(2, portal, media) as guest_screen:
        host, guest = await Keyboard.of(host_screen), await Keyboard.of(guest_screen)
        await _sign_in(host)
        slug = await _meet_now(host, portal)
        await _join(host, slug)
        await _mute_and_unmute(host)
        await _ask_to_enter(guest, slug)
        await _admit(host, guest, slug)
        await assert_screens_meet([host_screen, guest_screen])
        await _write_and_read(host, guest)
        await _raise_a_hand(host, guest)
        await _lower_it_in_the_list_of_people(host, guest)
        await _ask_for_the_state(host)
        for leaving in (guest, host):
            await leaving.tab_to("button", "Quitter")
            await leaving.press("Enter")
            await leaving.lands_on("heading", "Vous avez quitté la réunion")


async def _sign_in(host: Keyboard) -> None:
    await host.screen.goto("/accounts/login/")
    await host.press("Tab")
    assert await host.focus() == Focus("link", "Contenu"), "the skip link comes first"
    await host.tab_to("textbox", "Adresse électronique")
    await host.write(ALICE)
    await host.tab_to("textbox", "Mot de passe")
    await host.write(PASSWORD)
    await host.press("Enter")
    await host.screen.page.wait_for_url(f"{host.screen.url}/")


async def _meet_now(host: Keyboard, portal: Portal) -> str:
    await host.tab_to("button", "Se réunir maintenant")
    await host.press("Enter")
    await host.screen.shows("device-check")
    slug = str(await host.screen.evaluate("location.pathname")).removeprefix("/r/")
    await host.hears("Le lien de la réunion est copié")
    assert await host.screen.evaluate("navigator.clipboard.readText()") == f"{portal.url}/r/{slug}"
    return slug


async def _join(host: Keyboard, slug: str) -> None:
    await host.press("Tab")
    assert await host.focus() == Focus("link", "Contenu"), "the skip link comes first"
    await host.press("Enter")
    await host.lands_on("main", "")
    await host.tab_to("button", "Micro")
    for pressed in ("true", "false"):  # off, and on again
        assert await host.focus() == Focus("button", "Micro", pressed)
        await host.press("Space")
    assert (await host.focus()).pressed == "true"
    await host.tab_to("button", "Rejoindre la réunion")
    await host.press("Enter")
    await host.lands_on("region", f"Réunion {slug}")


async def _mute_and_unmute(host: Keyboard) -> None:
    """By its key, wherever the focus is; and by its button."""
    before = await host.focus()
    for said in ("Micro coupé", "Micro activé"):
        await host.press("m")
        await host.hears(said)
        assert await host.focus() == before
    await host.press("Tab")
    assert await host.focus() == Focus("link", "Commandes de la réunion"), "the stage has a skip link, too"
    await host.press("Enter")
    await host.lands_on("toolbar", "Commandes de la réunion")
    await host.press("Tab")
    for pressed, said in (("true", "Micro coupé"), ("false", "Micro activé")):
        assert await host.focus() == Focus("button", "Micro", pressed)
        await host.press("Space")
        await host.hears(said)


async def _ask_to_enter(guest: Keyboard, slug: str) -> None:
    await guest.screen.goto(f"/r/{slug}")
    await guest.screen.shows("device-check")
    await guest.tab_to("textbox", "Votre nom Les autres personnes le verront pendant la réunion.")
    await guest.write(GUEST)
    await guest.press("Enter")
    await guest.lands_on("heading", "Vous êtes dans la salle d’attente")


async def _admit(host: Keyboard, guest: Keyboard, slug: str) -> None:
    await host.hears(f"{GUEST} attend à l’entrée")
    await host.tab_to("button", f"Admettre {GUEST}")
    await host.press("Enter")
    await host.lands_on("region", f"Réunion {slug}")
    await guest.lands_on("region", f"Réunion {slug}")


async def _write_and_read(host: Keyboard, guest: Keyboard) -> None:
    """The host by key, the guest by the bar; the log is walked message by message."""
    before = await host.focus()
    await host.press("c")
    await host.lands_on(FIELD.role, FIELD.name)
    for text in ("Bonjour Bob", "Voici l’ordre du jour"):
        await host.write(text)
        await host.press("Enter")
        await guest.hears(f"{HOST} : {text}")
    assert await host.focus() == FIELD, "one writes on"
    await host.press("Escape")
    await host.lands_on(before.role, before.name)

    button = Focus("button", "Discussion 2 messages non lus", "false")
    assert await guest.tab_to(button.role, button.name) == button
    await guest.press("Enter")
    await guest.lands_on(FIELD.role, FIELD.name)
    await guest.write("Merci")
    await guest.press("Enter")
    await host.hears(f"{GUEST} : Merci")
    await guest.screen.wait_for('[data-testid="chat-message"] >> nth=2')
    await guest.tab_back_to("button", f"Supprimer le message de {GUEST}")
    await guest.press("Shift+Tab")
    for key, text in (("ArrowUp", "Voici l’ordre du jour"), ("ArrowUp", "Bonjour Bob"), ("End", "Merci")):
        await guest.press(key)
        here = await guest.focus()
        assert (here.role, here.name.endswith(text)) == ("article", True), f"{key} led to {here}"
    await guest.press("Escape")
    await guest.lands_on("button", "Discussion")
    assert await guest.focus() == Focus("button", "Discussion", "false")


async def _raise_a_hand(host: Keyboard, guest: Keyboard) -> None:
    before = await guest.focus()
    await guest.press("h")
    await guest.hears("Votre main est levée, numéro 1")
    await host.hears(f"{GUEST} lève la main")
    assert await guest.focus() == before
    button = Focus("button", "Main main levée, numéro 1", "true")
    assert await guest.tab_back_to(button.role, button.name) == button


async def _lower_it_in_the_list_of_people(host: Keyboard, guest: Keyboard) -> None:
    await host.tab_to("button", "Personnes")
    await host.press("Enter")
    await host.lands_on("heading", "Personnes")
    await host.tab_to("button", f"Baisser la main de {GUEST} (main levée, numéro 1)")
    await host.press("Enter")
    await host.lands_on("heading", "Personnes")
    await guest.hears("Une personne qui modère la réunion a baissé votre main.")
    await guest.lands_on("button", "Main")
    assert await guest.focus() == Focus("button", "Main", "false")
    await host.press("Escape")
    await host.lands_on("button", "Personnes")
    assert await host.focus() == Focus("button", "Personnes", "false")


async def _ask_for_the_state(host: Keyboard) -> None:
    before = await host.focus()
    for key, said in (("i", "Micro activé. Caméra activée"), ("l", "Personne n’attend à l’entrée")):
        await host.press(key)
        await host.hears(said)
        assert await host.focus() == before
