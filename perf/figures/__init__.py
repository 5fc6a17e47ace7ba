# SPDX-License-Identifier: MIT
"""
What perf/report and perf/compare are made of.

    read         JSON of magring-arena and magring-perf, checked against arena.schema.json and
                 perf.schema.json, which are also what these formats are documented by
    charts       SVG, by matplotlib
    page         the report: which charts, and the tables; page.html is its template (jinja2)
    series       both formats as series of rounds
    differences  which series differ (scipy)
"""
