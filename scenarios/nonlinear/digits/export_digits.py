"""Writes two files beside this script, of the 1,797 handwritten digits of 8 x 8 pixels that scikit-learn ships.

digits.csv: a row an image, its label, then its pixels from 0 to 16, row after row of the image.
classes.csv: its left and right half, less their means and with a mean power of 1 each, and for each digit whether it is that one,
less the mean. Needs scikit-learn.
"""

import csv
from pathlib import Path

from sklearn.datasets import load_digits

SIDE = 8


def write(name, header, rows):
    path = Path(__file__).with_name(name)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"wrote {len(rows)} images to {path}")


def half(images, columns):
    """Pixels of some columns, centred, with a mean power of 1."""
    pixels = images[:, :, columns].reshape(len(images), -1)
    centred = pixels - pixels.mean(axis=0)
    return centred / (centred**2).sum(axis=1).mean() ** 0.5


def main():
    digits = load_digits()
    pixels = [f"p{row}_{column}" for row in range(SIDE) for column in range(SIDE)]
    rows = zip(digits.target, digits.data)
    write("digits.csv", ["label", *pixels], [[label, *(int(pixel) for pixel in image)] for label, image in rows])

    halves = [half(digits.images, columns) for columns in (slice(0, SIDE // 2), slice(SIDE // 2, SIDE))]
    classes = [(digits.target == digit) - (digits.target == digit).mean() for digit in range(10)]
    each = SIDE * SIDE // 2
    header = [*(f"left{k}" for k in range(each)), *(f"right{k}" for k in range(each)), *(f"is_{digit}" for digit in range(10))]
    rows = zip(*halves, *classes)
    write("classes.csv", header, [[f"{x:.6g}" for x in (*left, *right, *is_digit)] for left, right, *is_digit in rows])


if __name__ == "__main__":
    main()
