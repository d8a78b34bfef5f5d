"""Writes digits.csv beside this script: the 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships.

A row an image: its label, then its pixels from 0 to 16, row after row of the image. Needs scikit-learn.
"""

import csv
from pathlib import Path

from sklearn.datasets import load_digits


def main():
    digits = load_digits()
    path = Path(__file__).with_name("digits.csv")
    pixels = [f"p{row}_{column}" for row in range(8) for column in range(8)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", *pixels])
        for label, image in zip(digits.target, digits.data):
            writer.writerow([label, *(int(pixel) for pixel in image)])
    print(f"wrote {len(digits.target)} images to {path}")


if __name__ == "__main__":
    main()
