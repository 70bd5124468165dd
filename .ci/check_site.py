"""Go through a built site in headless Chromium, as a reader with a telephone would.

    python check_site.py FOLDER [PICTURES]

Every page: loads without an error in the console, asks nothing of another host, shows all
its pictures, leads only to pages and headings that are there, and is no wider than a screen
of 400 pixels. The search finds `init_scale`.
"""

import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

NARROW, WIDE, HEIGHT = 400, 1280, 900  # pixels
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOOK = """
return {
    ids: [...document.querySelectorAll("[id]")].map(element => element.id),
    links: [...document.querySelectorAll("a[href]")].map(link => link.href),
    broken: [...document.images].filter(i => !i.naturalWidth).map(i => i.src),
    asked: performance.getEntriesByType("resource").map(entry => entry.name),
    width: document.documentElement.scrollWidth,
};
"""
PICTURES_LOADED = """
for (const image of document.images) image.loading = "eager";
return [...document.images].every(image => image.complete);
"""


NO_PAGE = {"ids": []}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def browser():
    options = Options()
    for flag in FLAGS:
        options.add_argument(flag)
    found = shutil.which("google-chrome") or shutil.which("chromium")
    if found:  # else where the driver looks for it
        options.binary_location = found
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, Service(shutil.which("chromedriver")))


def set_width(driver, width):
    metrics = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def visit(driver, address, width=WIDE):
    set_width(driver, width)
    driver.get(address)
    WebDriverWait(driver, 30).until(lambda driver: driver.execute_script(PICTURES_LOADED))
    return driver.execute_script(LOOK)


def complaints(home, page, seen, console):
    """What is wrong with one page, links aside."""
    yield from (
        f"console: {line['message']}" for line in console if line["level"] == "SEVERE"
    )
    yield from (f"no picture: {source}" for source in seen["broken"])
    yield from (f"asks {url}" for url in seen["asked"] if not url.startswith(home))
    if seen["width"] > NARROW:
        yield f"{seen['width']} pixels wide on a screen of {NARROW}"
    if "/" not in page:  # the guide leads to pages of the gallery, not to scripts
        yield from (
            f"leads to a script: {url}" for url in seen["links"] if url.endswith(".py")
        )


def broken_links(home, seen_by_page, folder):
    for page, seen in seen_by_page.items():
        for link in set(seen["links"]):
            if not link.startswith(home):
                continue
            url, heading = urldefrag(link.removeprefix(home))
            target = unquote(url.partition("?")[0]) or "index.html"
            if not (folder / target).exists():
                yield page, f"leads to {target}, which is not there"
            elif (
                heading and unquote(heading) not in seen_by_page.get(target, NO_PAGE)["ids"]
            ):
                yield page, f"leads to {target}#{heading}, which has no such heading"


def search_finds(driver, home, words):
    """How many pages the search finds."""

    def found(driver):
        return driver.find_elements(By.CSS_SELECTOR, "#search-results li a")

    driver.get(f"{home}search.html?q={words}")
    try:
        return len(WebDriverWait(driver, 30).until(found))
    except TimeoutException:
        return 0


def main(folder, pictures=None):
    folder = Path(folder).resolve()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}/"
    driver = browser()
    wrong, seen_by_page = [], {}
    try:
        for path in sorted(folder.rglob("*.html")):
            page = path.relative_to(folder).as_posix()
            if page.startswith("_static/"):
                continue
            seen = visit(driver, home + page, NARROW)
            if pictures:
                name = page.replace("/", "-").removesuffix(".html")
                for width in (NARROW, WIDE):
                    set_width(driver, width)
                    driver.save_screenshot(str(Path(pictures) / f"{name}-{width}.png"))
            seen_by_page[page] = seen
            console = driver.get_log("browser")
            wrong += [(page, what) for what in complaints(home, page, seen, console)]
        wrong += broken_links(home, seen_by_page, folder)
        thumbnails = "document.querySelectorAll('.sphx-glr-thumbcontainer img').length"
        driver.get(f"{home}gallery/index.html")
        n_thumbnails = driver.execute_script(f"return {thumbnails}")
        n_found = search_finds(driver, home, "init_scale")
    finally:
        driver.quit()
        server.shutdown()
    n_examples = len(list((folder / "gallery").glob("*_*.html")))
    if n_thumbnails != n_examples:
        wrong.append(("gallery", f"{n_thumbnails} thumbnails of {n_examples} examples"))
    if not n_found:
        wrong.append(("search", "finds nothing for init_scale"))
    for page, what in wrong:
        print(f"{page}: {what}")
    print(
        f"{len(seen_by_page)} pages, {n_thumbnails} thumbnails, {n_found} pages found "
        f"for init_scale, {len(wrong)} complaints"
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
