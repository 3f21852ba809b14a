"""A real browser for tests of pages: Debian's Chromium, driven by Playwright's Python package.

Install them with ``apt-get install chromium`` and ``pip install playwright``.
"""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium():
    """Starts the browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("pip install playwright")
    if not CHROMIUM.exists():
        _missing("apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)


def _missing(command):
    text = f"this test needs a browser: {command}"
    if "POPGYM_BROWSER_TESTS" in os.environ:
        pytest.fail(text)
    pytest.skip(text)


@contextmanager
def opening(browser):
    """Gives a function that opens pages; at the end, none may have complained or asked for more."""
    complaints, requests, contexts = [], [], []

    def show(path, width=1280, scheme="light", wait_for=".main-svg"):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(180_000)  # a busy machine draws slowly
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(wait_for)
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []
    assert requests and all(re.match("(file|data|blob):", url) for url in requests)
