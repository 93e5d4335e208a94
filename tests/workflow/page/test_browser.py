"""results/index.html in a browser, without a network: nine tables of 40 rows, one of them with a hostile label."""

import dataclasses

import cv2
import numpy as np
import pytest
from browser import CHROMIUM, browser
from tiny.tables import TABLES, record, references

from liftedcl.files.atomic import write_json
from workflow.layout import Layout
from workflow.page.__main__ import main
from workflow.tables.__main__ import make_table
from workflow.tables.table_spec import Row

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here, which opens the page")

HOSTILE = "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title = 'hacked'\"> & _ % =cmd"
ROWS = tuple(Row(f"row{i}", HOSTILE if i == 7 else f"method {i}", "IN" if i % 2 else "CC") for i in range(40))
BODY = "#table4 .scores tbody:not(.fixed)"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Row i has MPJPE 180 - i mm and AP i %, so the last row is the best in each table."""
    folder = tmp_path_factory.mktemp("page")
    for number in range(1, 10):
        layout, results = Layout(str(folder / f"runs{number}")), folder / "results"
        table = dataclasses.replace(TABLES[f"table{number}"], rows=ROWS, baseline="row0", differences=(), figures=())
        for benchmark in table.benchmarks:
            scores = table.columns_of(benchmark)
            low = {of.metric: 0.0 if of.better == "up" else 190.0 for of in scores}
            high = {of.metric: 99.0 if of.better == "up" else 10.0 for of in scores}
            for i, row in enumerate(ROWS):
                run = layout.benchmark(benchmark, row.encoder, 0)
                write_json(
                    f"{run}/metrics.json", {of.metric: float(i) if of.unit == "%" else 180.0 - i for of in scores}
                )
                write_json(f"{run}/provenance.json", record())
                write_json(f"{layout.encoder(row.encoder, 0)}/provenance.json", record())
                write_json(f"{layout.encoder(row.encoder, 0)}/encoder.pt", "weights")
            write_json(layout.reference(benchmark), references(low, high))
        make_table(table, profile="demo", seeds=[0], layout=layout, out=results / f"table{number}.csv")
    cv2.imwrite(str(results / "figure5.png"), np.zeros((30, 40, 3), np.uint8))
    main(["--results", str(results)])
    return results


@pytest.fixture(scope="module")
def page(results):
    with browser() as page:
        page.open(results / "index.html")
        yield page


def column(page, place):
    """The texts of a column of table 4, in the order in which its rows are."""
    return page.js(f"[...document.querySelectorAll('{BODY} tr')].map(row => row.cells[{place}].textContent)")


def test_it_is_all_there_and_nothing_complains(page):
    assert page.js("document.querySelectorAll('section.table').length") == 9
    assert page.js("document.querySelectorAll('table.scores tbody:not(.fixed) tr').length") == 10 * 40
    assert page.messages == [] and page.js("document.title") == "LiftedCL: results"
    assert page.js("performance.getEntriesByType('resource').filter(e => !e.name.startsWith('file:')).length") == 0
    assert HOSTILE in column(page, 0), "a label is shown as it is, and does nothing"


def test_a_click_sorts_by_numbers_and_the_predictor_without_images_stays_on_top(page):
    head = "#table4 .scores th:nth-child(3)"
    page.click(f"{head} button")
    assert page.js(f"document.querySelector('{head}').ariaSort") == "ascending"
    numbers = list(map(float, column(page, 2)))
    assert numbers == sorted(numbers) and numbers[0] == 141
    page.click(f"{head} button")
    assert list(map(float, column(page, 2))) == sorted(numbers, reverse=True)
    assert page.js("document.querySelector('#table4 .scores tbody tr').className") == "reference"


def test_the_keyboard_sorts_too(page):
    page.js("document.querySelector('#table4 .scores th button').focus()")
    page.press("Enter", 13)
    assert page.js("document.querySelector('#table4 .scores th').ariaSort") == "ascending"
    names = [name for name in column(page, 0) if name != HOSTILE]
    assert names == sorted(names, key=lambda name: int(name.split()[1])), "numbers inside names count as numbers"


def test_a_filter_hides_rows_and_says_how_many_are_left(page):
    page.click("#table4 input[type=search]")
    page.type("METHOD 12 cc")
    shown = f"[...document.querySelectorAll('{BODY} tr')].filter(row => row.offsetHeight).length"
    assert page.js(shown) == 1, "every word, in any cell"
    assert page.js("document.querySelector('#table4 output').textContent") == "1 of 40 rows"
    page.js("(e => { e.value = ''; e.dispatchEvent(new Event('input')); })(document.querySelector('#table4 input'))")
    assert page.js(shown) == 40


def test_a_column_is_plotted_and_a_point_tells_its_row(page):
    page.js("(e => { e.value = 2; e.dispatchEvent(new Event('change')); })(document.querySelector('#table4 select'))")
    assert page.js("document.querySelectorAll('#table4 .plot g').length") == 42
    page.hover("#table4 .plot g:nth-child(5) circle")
    said = page.js("document.querySelector('#tip:not([hidden])').textContent")
    assert said == page.js("document.querySelector('#table4 .plot g:nth-child(5)').getAttribute('aria-label')")
    assert "MPJPE (mm)" in said
    page.hover("h1")
    assert page.js("document.querySelector('#tip').hidden")
    page.js("document.querySelector('#table4 .plot g:nth-child(6)').focus()")
    assert page.js("!document.querySelector('#tip').hidden"), "the keyboard reads it as well"


def test_a_cell_of_the_overview_tells_what_its_number_is(page):
    page.hover(".heat td[data-tip]")
    said = page.js("document.querySelector('#tip:not([hidden])').textContent")
    assert "% of the way from the trivial predictor to the bound" in said


def test_a_picture_opens_and_escape_closes_it(page):
    page.click("figure a img")
    assert page.js("document.querySelector('dialog[open] img').naturalWidth") == 40
    page.press("Escape", 27)
    assert page.js("document.querySelector('dialog[open]')") is None
    assert page.js("location.pathname.endsWith('index.html')")


def test_on_a_phone_nothing_is_wider_than_the_screen(page):
    page.phone()
    assert page.js("document.documentElement.scrollWidth") <= 390
