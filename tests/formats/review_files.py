"""Files of other programs, written after their published formats.

`rm5` follows the element and attribute names that R's `meta` (read.rm5) and `cochrane` (parse.studies) read, `package`
the headers of Cochrane's data package specification, version 1 (`VERSION_1`) and its successor (`VERSION_2`).
One invented review is written in both, with its pooled results worked out from the textbook formulas.
"""

import csv
import io
import math
import zipfile
from xml.sax.saxutils import escape, quoteattr

# The headers, each as the first line of its file.
OVERALL_1 = (
    "Analysis group,Analysis number,Analysis name,Analysis group name,Data source,Data source eligibility,Data type,"
    "Log-scale data,Outcome,Intervention grouping,Experimental intervention,Control intervention,Subgroup by,"
    "Filter criteria,Experimental group label,Control group label,Statistical method,Effect measure,"
    "Unit of effect measure,Analysis model,Subgroup estimates,Overall estimates,Test for subgroup differences,"
    "Swap event and non-event,Study CI,Estimate CI,Experimental cases,Experimental N,Control cases,Control N,Mean,"
    "CI start,CI end,Heterogeneity Tau²,Heterogeneity Chi²,Heterogeneity df,Heterogeneity P,Heterogeneity I²,Effect Z,"
    "Effect P,Subgroup Chi²,Subgroup df,Subgroup P,Subgroup I²,ID"
)
OVERALL_2 = (
    "Analysis group,Analysis number,Analysis name,Analysis group name,Data source,Data source eligibility,Data type,"
    "Log-scale data,Outcome,Intervention grouping,Experimental intervention,Control intervention,Subgroup by,"
    "Filter criteria,Experimental group label,Control group label,Statistical method,Effect measure,"
    "Unit of effect measure,Analysis model,Heterogeneity estimator,Tau² CI,Subgroup estimates,Overall estimates,"
    "Test for subgroup differences,Prediction interval,Swap event and non-event,CI method,CI/PI level,Sort by,"
    "Graph label (left),Graph label (right),Graph scale,Show risk of bias,Experimental cases,Experimental N,"
    "Control cases,Control N,Mean,CI start,CI end,PI start,PI end,Heterogeneity Tau²,Tau² CI start,Tau² CI end,"
    "Heterogeneity Chi²,Heterogeneity df,Heterogeneity P,Heterogeneity I²,Effect Z,Effect T,Effect P,Subgroup Chi²,"
    "Subgroup df,Subgroup P,Subgroup I²,ID"
)
ROWS = (
    "Analysis group,Analysis number,Analysis name,Subgroup,Applicability,Study,Study year,GIV Mean,GIV SE,"
    "Experimental mean,Experimental SD,Experimental cases,Experimental N,Control mean,Control SD,Control cases,"
    "Control N,O-E,Variance,Weight,Mean,CI start,CI end,Footnotes"
)
SUBGROUPS = (
    "Analysis group,Analysis number,Subgroup,Subgroup number,Experimental cases,Experimental N,Control cases,Control N,"
    "Weight,Mean,CI start,CI end,Heterogeneity Tau²,Heterogeneity Chi²,Heterogeneity df,Heterogeneity P,"
    "Heterogeneity I²,Effect Z,Effect P,ID"
)

# One invented review. A row: study, subgroup, then the numbers of its kind of data.
REVIEW = [
    {"no": "1.1", "name": "Relief of pain", "type": "DICH", "measure": "OR", "method": "MH",
     "rows": [("Adler 2001", "", 12, 40, 5, 41), ("Bauer-Klein 2003", "", 0, 22, 3, 20),
              ("Çelik 2010", "", 7, 30, 7, 31), ("Empty 2011", "", 0, 0, 0, 0)]},
    {"no": "1.2", "name": "Relief by dose", "type": "DICH", "measure": "RR", "method": "MH", "random": True,
     "rows": [("Adler 2001", "Low dose", 6, 20, 5, 41), ("Adler 2001", "High dose", 6, 20, 5, 41),
              ("Çelik 2010", "High dose", 7, 30, 7, 31)]},
    {"no": "1.3", "name": "Strength", "type": "CONT", "measure": "MD", "method": "IV", "unit": "kg",
     "rows": [("Adler 2001", "", 5.5, 2.25, 39, 4.0, 2.5, 40), ("Çelik 2010", "", 5.0, 1.75, 30, 4.5, 1.5, 31),
              ("Dubois 2012", "", 3.0, 0, 8, 3.0, 0, 8)]},
    {"no": "2.1", "name": "Death, any time", "type": "IV", "measure": "Odds Ratio", "log": True, "method": "IV",
     "rows": [("Adler 2001", "", -0.625, 0.25, 40, 41), ("Fischer 2015", "", 0.125, 0.5, 0, 0)]},
    {"no": "2.2", "name": "Walking, crossover trials", "type": "IV", "measure": "Mean Difference", "log": False,
     "method": "IV", "rows": [("Gruber 1999", "", 4.5, 1.25, 12, 12), ("Hahn 2002", "", 2.0, 0.75, 9, 9)]},
    {"no": "2.3", "name": "Survival", "type": "IPD", "measure": "Peto Odds Ratio", "method": "EXP_O_E_VAR",
     "rows": [("Adler 2001", "", -2.5, 4.0), ("Fischer 2015", "", 1.0, 6.25)]},
    {"no": "2.4", "name": "No relapse", "type": "DICH", "measure": "OR", "method": "MH", "swap": True,
     "rows": [("Adler 2001", "", 12, 40, 5, 41)]},
    {"no": "2.5", "name": "Time to relapse", "type": "IV", "measure": "Hazard Ratio", "log": True, "method": "IV",
     "rows": [("Adler 2001", "", -0.25, 0.125, 40, 41)]},
]  # fmt: skip


def _mantel_haenszel(tables):
    """Log odds ratio with its standard error, 0.5 added where a cell is zero (Robins, Breslow and Greenland 1986)."""
    r = s = pr = cross = qs = 0.0
    for events_t, n_t, events_c, n_c in tables:
        a, b, c, d = events_t, n_t - events_t, events_c, n_c - events_c
        a, b, c, d = (x + 0.5 * (0 in (a, b, c, d)) for x in (a, b, c, d))
        n = a + b + c + d
        r, s = r + a * d / n, s + b * c / n
        pr += (a + d) * a * d / n**2
        cross += ((a + d) * b * c + (b + c) * a * d) / n**2
        qs += (b + c) * b * c / n**2
    return math.log(r / s), math.sqrt(pr / (2 * r * r) + cross / (2 * r * s) + qs / (2 * s * s))


def _inverse_variance(effects):
    weight = sum(1 / se**2 for _, se in effects)
    return sum(y / se**2 for y, se in effects) / weight, 1 / math.sqrt(weight)


def _risk_ratio(events_t, n_t, events_c, n_c):
    variance = 1 / events_t - 1 / n_t + 1 / events_c - 1 / n_c
    return math.log(events_t / n_t / (events_c / n_c)), math.sqrt(variance)


def _means(mean_t, sd_t, n_t, mean_c, sd_c, n_c):
    return mean_t - mean_c, math.sqrt(sd_t**2 / n_t + sd_c**2 / n_c)


def _result(y, se, ratio):
    """Estimate, limits and two-sided P as files carry them."""
    half = 1.959963984540054 * se
    numbers = [math.exp(x) if ratio else x for x in (y, y - half, y + half)]
    return *(round(x, 6) for x in numbers), round(math.erfc(abs(y) / se / math.sqrt(2)), 6)


def _rows(number, keep=lambda row: True):
    return [row[2:] for outcome in REVIEW if outcome["no"] == number for row in outcome["rows"] if keep(row)]


# Pooled results by analysis number ("1.2.1" of a subgroup): estimate, lower, upper, P; worked out apart, here.
RESULTS = {
    "1.1": _result(*_mantel_haenszel(_rows("1.1", lambda row: row[3])), True),
    "1.2.1": _result(*_risk_ratio(*_rows("1.2")[0]), True),
    "1.3": _result(*_inverse_variance([_means(*row) for row in _rows("1.3", lambda row: row[3])]), False),
    "2.1": _result(*_inverse_variance([row[:2] for row in _rows("2.1")]), True),
    "2.3": _result(*_inverse_variance([(o_e / v, v**-0.5) for o_e, v in _rows("2.3")]), True),
    "2.4": _result(*_mantel_haenszel([(n_t - a, n_t, n_c - c, n_c) for a, n_t, c, n_c in _rows("2.4")]), True),
}
VALUES = {
    "DICH": ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2"),
    "CONT": ("MEAN_1", "SD_1", "TOTAL_1", "MEAN_2", "SD_2", "TOTAL_2"),
    "IV": ("ESTIMATE", "SE", "TOTAL_1", "TOTAL_2"),
    "IPD": ("O_E", "VAR"),
}
CELLS = {
    "DICH": ("Experimental cases", "Experimental N", "Control cases", "Control N"),
    "CONT": ("Experimental mean", "Experimental SD", "Experimental N", "Control mean", "Control SD", "Control N"),
    "IV": ("GIV Mean", "GIV SE", "Experimental N", "Control N"),
    "IPD": ("O-E", "Variance"),
}
TYPES = {"DICH": "Dichotomous", "CONT": "Continuous", "IV": "Contrast level", "IPD": "O-E and variance"}
WORDS = {"OR": "Odds Ratio", "RR": "Risk Ratio", "MD": "Mean Difference"}


def _attributes(values):
    return "".join(f" {key}={quoteattr(str(value))}" for key, value in values.items())


def _pooled(number):
    if number not in RESULTS:
        return {"ESTIMABLE": "NO", "EFFECT_SIZE": "0.0", "CI_START": "0.0", "CI_END": "0.0", "P_Z": "1.0"}
    size, low, high, p = RESULTS[number]
    return {"ESTIMABLE": "YES", "EFFECT_SIZE": size, "CI_START": low, "CI_END": high, "P_Z": p, "CHI2": 1.0, "DF": 1}


def _identity(study):
    return "STD-" + "".join(c if c.isalnum() and c.isascii() else f"_x{ord(c):04x}_" for c in study)


def rm5(review=REVIEW, *, encoding="utf-8", estimates=True):
    """A RevMan 5 file; without `estimates` a generic inverse variance has the printed effect only."""
    studies = dict.fromkeys(row[0] for outcome in review for row in outcome["rows"])
    out = [f'<?xml version="1.0" encoding="{encoding}"?>', '<COCHRANE_REVIEW TYPE="INTERVENTION" REVMAN_VERSION="5">']
    out.append("<COVER_SHEET><TITLE>An invented review</TITLE></COVER_SHEET>")
    out.append("<STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>")
    out += [f"<STUDY{_attributes({'ID': _identity(s), 'NAME': s, 'YEAR': s[-4:]})}/>" for s in studies]
    out.append("</INCLUDED_STUDIES></STUDIES></STUDIES_AND_REFERENCES><ANALYSES_AND_DATA>")
    for group in dict.fromkeys(outcome["no"].split(".")[0] for outcome in review):
        out.append(f'<COMPARISON ID="CMP-00{group}" NO="{group}"><NAME>Comparison {group}</NAME>')
        for outcome in review:
            comparison, number = outcome["no"].split(".")
            if comparison != group:
                continue
            kind = outcome["type"]
            groups = dict.fromkeys(row[1] for row in outcome["rows"])
            head = {"NO": number, "CI_TOTAL": 95, "RANDOM": "YES" if outcome.get("random") else "NO"}
            head |= {"SUBGROUPS": "YES" if any(groups) else "NO", "TOTALS": "SUB" if any(groups) else "YES"}
            if kind in ("DICH", "CONT"):
                head |= {"EFFECT_MEASURE": outcome["measure"], "METHOD": outcome["method"]}
                head |= {"UNITS": outcome.get("unit", "")} if kind == "CONT" else {}
                head |= {"SWAP_EVENTS": "YES" if outcome.get("swap") else "NO"} if kind == "DICH" else {}
            if kind == "IV":
                head["LOG_DATA"] = "YES" if outcome["log"] else "NO"
            out.append(f"<{kind}_OUTCOME{_attributes(head | _pooled(outcome['no']))}>")
            out.append(f"<NAME>{escape(outcome['name'])}</NAME>")
            out.append("<GROUP_LABEL_1>New drug</GROUP_LABEL_1><GROUP_LABEL_2>Placebo</GROUP_LABEL_2>")
            if kind in ("IV", "IPD"):
                out.append(f"<EFFECT_MEASURE>{outcome['measure']}</EFFECT_MEASURE>")
            for i, label in enumerate(groups, 1):
                if label:
                    pooled = _pooled(f"{outcome['no']}.{i}")
                    out.append(f"<{kind}_SUBGROUP{_attributes({'NO': i} | pooled)}><NAME>{escape(label)}</NAME>")
                for study, subgroup, *values in outcome["rows"]:
                    if subgroup != label:
                        continue
                    data = {"STUDY_ID": _identity(study)} | dict(zip(VALUES[kind], values, strict=True))
                    if kind == "IV":
                        data["EFFECT_SIZE"] = math.exp(values[0]) if outcome["log"] else values[0]
                        if not estimates:
                            del data["ESTIMATE"]
                    out.append(f"<{kind}_DATA{_attributes(data)}/>")
                out += [f"</{kind}_SUBGROUP>"] if label else []
            out.append(f"</{kind}_OUTCOME>")
        out.append("</COMPARISON>")
    out.append("</ANALYSES_AND_DATA></COCHRANE_REVIEW>")
    return "\n".join(out).encode(encoding)


def _csv(header, rows):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header.split(","), restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff".encode() + file.getvalue().encode()


def _printed(number):
    size, low, high, p = RESULTS.get(number, (0, 0, 0, 0))
    return {"Mean": size, "CI start": low, "CI end": high, "Effect P": p}


def package_files(review=REVIEW, version=1):
    """The three files of the analysis data, by name."""
    rows, overall, subgroups = [], [], []
    for outcome in review:
        group, number = outcome["no"].split(".")
        where = {"Analysis group": group, "Analysis number": number, "Analysis name": outcome["name"]}
        kind = outcome["type"]
        labels = [label for label in dict.fromkeys(row[1] for row in outcome["rows"]) if label]
        settings = {
            "Analysis group name": f"Comparison {group}",
            "Data source": "Custom input",
            "Data source eligibility": "#N/A",
            "Data type": TYPES[kind],
            "Log-scale data": str(outcome.get("log", kind != "CONT")).lower(),
            "Experimental group label": "New drug",
            "Control group label": "Placebo",
            "Statistical method": outcome["method"],
            "Effect measure": WORDS.get(outcome["measure"], outcome["measure"]),
            "Unit of effect measure": outcome.get("unit", ""),
            "Analysis model": "Random effect" if outcome.get("random") else "Fixed effect",
            "Subgroup estimates": "true",
            "Overall estimates": str(not labels).lower(),
            "Swap event and non-event": str(outcome.get("swap", False)).lower(),
            "Estimate CI": "95%",
            "CI/PI level": "95%",
            "CI method": "Wald",
            "Heterogeneity estimator": "DL",
        }
        overall.append(where | settings | _printed(outcome["no"]))
        for i, label in enumerate(labels, 1):
            numbered = {"Subgroup": label, "Subgroup number": i}
            subgroups.append(where | numbered | _printed(f"{outcome['no']}.{i}"))
        for study, subgroup, *values in outcome["rows"]:
            absent = {
                "GIV Mean": "0.0", "GIV SE": "0.0", "Experimental mean": "0.0", "Experimental SD": "0.0",
                "Experimental cases": 0, "Experimental N": 0, "Control mean": "0.0", "Control SD": "0.0",
                "Control cases": 0, "Control N": 0, "O-E": "0.0", "Variance": "0.0",
            }  # fmt: skip
            data = {"Subgroup": subgroup, "Applicability": "SUBGROUP_AND_OVERALL", "Study": study}
            data |= {"Study year": study[-4:]}
            rows.append(where | absent | data | dict(zip(CELLS[kind], values, strict=True)))
    folder = "CD000000-analysis-data/CD000000"
    return {
        f"{folder}-overall-estimates-and-settings.csv": _csv(OVERALL_1 if version == 1 else OVERALL_2, overall),
        f"{folder}-data-rows.csv": _csv(ROWS, rows),
        f"{folder}-subgroup-estimates.csv": _csv(SUBGROUPS, subgroups),
        "CD000000-study-data/CD000000-study-information.csv": b"Study\nAdler 2001\n",
    }


def zipped(files):
    """An archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def package(review=REVIEW, version=1, *, nested=False):
    """A Cochrane data package; `nested` as RevMan Web exports it, in a further archive."""
    data = zipped(package_files(review, version))
    return zipped({"CD000000-files/CD000000-data.zip": data, "CD000000-article.pdf": b"%PDF"}) if nested else data


def excel(sheets):
    """A workbook of these sheets: title -> rows of cells, typed as they are given."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
