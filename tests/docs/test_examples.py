"""What the pages show is what happens: every example of the tutorials and of the how-to pages is run, in order."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from page_examples import DOCS, REPOSITORY, examples_of, first_difference, run_page

TUTORIAL = DOCS / "tutorial" / "first-detector.md"
HOW_TO = sorted(path for path in (DOCS / "how-to").glob("*.md") if examples_of(path))


@pytest.fixture(scope="module")
def after_the_tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a reader of the tutorial ends: its files and its detector."""
    folder = tmp_path_factory.mktemp("tutorial")
    run_page(TUTORIAL, folder)
    return folder


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(after_the_tutorial: Path) -> None:
    assert (after_the_tutorial / "scores.csv").is_file()


@pytest.mark.slow
def test_the_tutorial_in_portuguese_does_what_it_says(tmp_path: Path) -> None:
    run_page(DOCS / "tutorial" / "primeiro-detector.md", tmp_path)


@pytest.mark.slow
def test_the_tutorial_on_activations_does_what_it_says(tmp_path: Path) -> None:
    run_page(DOCS / "tutorial" / "which-relu.md", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_a_how_to_page_does_what_it_says(page: Path, after_the_tutorial: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(after_the_tutorial, folder, symlinks=True)
    run_page(page, folder)


@pytest.mark.slow
def test_readme_does_what_it_says(tmp_path: Path) -> None:
    run_page(REPOSITORY / "README.md", tmp_path)


def test_an_example_that_prints_something_else_is_noticed() -> None:
    printed = '{"rows": 2940, "threshold": 0.29259}\nrows  2,940 (fitting 1,778)\n'
    assert first_difference("rows 2,940 (fitting 1,700)\n", printed) is None
    assert first_difference('{"rows": 2940,\n "threshold": 0.31}', printed) is None
    assert first_difference("rows … 1,778)", printed) is None
    assert first_difference("rows 2,940 (fitting 177)", printed) == "rows 2,940 (fitting 177)"
    assert first_difference("rows 2,940 (test 1,778)", printed) == "rows 2,940 (test 1,778)"
    assert first_difference("threshold 0.3\nrows", printed) == "threshold 0.3"


@pytest.mark.parametrize(
    "page",
    [
        "```bash\npython -c 'raise SystemExit(2)'\n```\n",
        "```python\nprint(1)\n```\n\n```text\ntwo\n```\n",
        "<!-- run: fails -->\n\n```bash\ntrue\n```\n",
        "<!-- run: no -->\n\n```bash\ntrue\n```\n",
        "<!-- run: sometimes, maybe -->\n\n```bash\ntrue\n```\n",
    ],
    ids=[
        "it ends with an error",
        "it prints something else",
        "it was to end with an error",
        "no reason",
        "no such mark",
    ],
)
def test_a_page_with_an_example_that_does_not_do_what_it_says_is_noticed(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(page)
    with pytest.raises(AssertionError, match=r"page\.md:"):
        run_page(tmp_path / "page.md", tmp_path)
