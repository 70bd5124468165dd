"""How the site is built: ``python -m sphinx -W --keep-going docs docs/_build/html``.

The build needs no network: the pages of other projects that ours lead to are listed in
``inventories/``.
"""

import re
import shutil
import tomllib
import warnings
from pathlib import Path

from sphinx.application import Sphinx

import sk_shallow

HERE = Path(__file__).parent
PYPROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))

project = "sk_shallow"
author = "The sk_shallow developers"
copyright = "2026, the sk_shallow developers"  # noqa: A001, Sphinx's name for it
version = release = sk_shallow.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_templates", "inventories", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
nitpicky = True
# In the docstrings of methods inherited from scikit-learn.
nitpick_ignore = [("std:ref", "metadata_routing"), ("std:term", "meta-estimator")]
default_role = "literal"
smartquotes = False  # options of commands have two dashes
toc_object_entries_show_parents = "hide"
highlight_language = "text"
pygments_style = "tango"

# Markdown: pages are written so that they read as well where the source is browsed.
myst_heading_anchors = 3

# The reference.
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_validation_checks = set(PYPROJECT["tool"]["numpydoc_validation"]["checks"])
intersphinx_mapping = {
    name: (url, f"inventories/{name}.txt")
    for name, url in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}

# The gallery. Examples save pictures where they run, so a copy of them is run.
EXAMPLES = HERE / "_build" / "examples"
shutil.rmtree(EXAMPLES, ignore_errors=True)
shutil.copytree(HERE.parent / "examples", EXAMPLES)
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sk_shallow",),
    "reference_url": {"sk_shallow": None},
    "abort_on_example_error": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_shallow"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("index", "changelog", "contributing")}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "sk_shallow"},
    "icon_links": [
        {
            "name": "Source",
            "url": PYPROJECT["project"]["urls"]["Source"],
            "icon": "fa-brands fa-github",
        }
    ],
    "navbar_align": "left",
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}


def link_to_the_site(_: Sphinx, __: str, source: list[str]) -> None:
    """Lead to pages of the gallery where the Markdown leads to scripts."""
    source[0] = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](gallery/\1.rst)", source[0])


def setup(app: Sphinx) -> None:
    # Bad starts are the subject of the gallery, and warn as they should.
    warnings.simplefilter("ignore", sk_shallow.InitializationWarning)
    app.connect("source-read", link_to_the_site)
