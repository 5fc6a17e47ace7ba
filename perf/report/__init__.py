# SPDX-License-Identifier: MIT
"""
What perf/page and perf/compare are made of.

    read         JSON of magring-perf, checked against results.schema.json, which is also what
                 the format is documented by
    charts       SVG, by matplotlib
    page         the report: which charts, and the tables; page.html is its template (jinja2)
    series       results as series of rounds
    bars         what the project set itself (perf/bars.json), judged
    differences  which series differ (scipy)
"""
