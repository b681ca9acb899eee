"""Looking at a dashboard in the browser."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, Request

LOGIN = """(async () => {
    const page = new DOMParser().parseFromString(await (await fetch('/login/')).text(), 'text/html');
    const form = {username: 'arrears', password: '%(password)s', csrf_token: page.querySelector('#csrf_token').value};
    return (await fetch('/login/', {method: 'POST', body: new URLSearchParams(form)})).ok;
})()"""

# Of every chart: its title, whether it is still loading, what it complains of, and how much there is to see.
CHARTS = """[...document.querySelectorAll('.dashboard-component-chart-holder')].map(chart => {
    const colours = new Set();
    for (const canvas of chart.querySelectorAll('canvas')) {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) colours.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]);
    }
    const said = where => [...chart.querySelectorAll(where)].map(one => one.innerText).join(' ');
    return {
        title: said('.header-title').trim(),
        loading: chart.querySelector('.loading, [data-test=loading-indicator]') !== null,
        complaint: said('[role=alert], .ant-alert, .ant-empty'),
        rows: chart.querySelectorAll('tbody tr').length,
        number: said('.header-line').trim(),
        colours: colours.size,
    };
})"""
SECONDS = 120  # for all charts of a dashboard to be drawn
LEAST_COLOURS = 4  # paper, ink, grid and one series


def looked_at(page: Page, url: str, **parameters: str) -> tuple[list[str], list[str]]:
    """What is wrong with the charts of a dashboard, and the titles of all of them."""
    page.set_viewport_size({"width": 1440, "height": 6000})  # charts are drawn when they come into view
    page.goto(f"{url}?{urlencode({'standalone': 1} | parameters)}")
    deadline = time.monotonic() + SECONDS
    while True:
        charts = page.evaluate(CHARTS)
        faults = [fault for chart in charts if (fault := _fault(chart))]
        if (charts and not faults) or time.monotonic() > deadline:
            return faults, [chart["title"] for chart in charts]
        page.wait_for_timeout(300)


def queries(requests: Iterable[Request]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What charts have asked for: the chart's number and its query. (Filters ask, too, and have no number.)"""
    for request in requests:
        if "/api/v1/chart/data" in request.url:
            body = request.post_data_json
            if chart := body["form_data"].get("slice_id"):
                (query,) = body["queries"]
                yield chart, query


def _fault(chart: dict[str, Any]) -> str | None:
    if chart["complaint"]:
        return f"{chart['title']}: {chart['complaint']}"
    if chart["loading"]:
        return f"{chart['title']}: still loading"
    is_number = any(letter.isdigit() for letter in chart["number"])
    if not chart["rows"] and not is_number and chart["colours"] < LEAST_COLOURS:
        return f"{chart['title']}: nothing to be seen"
    return None
