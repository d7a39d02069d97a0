"""What a person does on the page and sees there."""

from typing import Any

from playwright.async_api import Locator, Page, expect

GROWTH = """() => {
  window.grown = [];
  new MutationObserver(() => {
    const words = document.querySelector('.exchange:last-child .segments .text')?.textContent.trim() ?? '';
    if (words && words !== window.grown.at(-1)) window.grown.push(words);
  }).observe(document.getElementById('transcript'), { childList: true, characterData: true, subtree: true });
}"""

TRANSCRIPT = """() => [...document.querySelectorAll('.exchange')].map(
  (e) => [e.querySelector('.question .words').innerText, e.querySelector('.segments').innerText])"""


async def watch_growth(page: Page) -> None:
    """Note every text that the newest answer has, from now on."""
    await page.evaluate(GROWTH)


async def grown(page: Page) -> list[str]:
    """Every text the newest answer had, as it grew."""
    seen: list[str] = await page.evaluate("window.grown")
    return seen


async def ask(page: Page, text: str) -> None:
    await page.get_by_label("Your message").fill(text)
    await page.keyboard.press("Enter")


def exchange(page: Page, number: int = -1) -> Locator:
    return page.locator(".exchange").nth(number)


async def answered(page: Page, number: int = -1, *, seconds: float = 60) -> str:
    """The words of an answer, once it has ended."""
    place = exchange(page, number).locator(".answer[aria-busy=false]")
    await expect(place).to_be_visible(timeout=seconds * 1000)
    return str(await place.locator(".segments").inner_text())


async def said(page: Page) -> list[Any]:
    """The whole transcript: questions and answers in their order."""
    found: list[Any] = await page.evaluate(TRANSCRIPT)
    return found
