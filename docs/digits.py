"""Writes the table of single digits of docs/nonlinear.md from outputs/nonlinear/digits_classes. Run `make digits`."""

from nonlinear import PAGE, mean_ratio, names, rows_of
from page import fill, number, share, table

TARGET = "data.table.targets"


def classes():
    rows = rows_of("digits_classes")
    lines = []
    for target in sorted({row[TARGET] for row in rows}):
        own = [row for row in rows if row[TARGET] == target]
        firsts = [row["first"] or "-" for row in own]
        gap = [abs(number(row, "t_first") / number(row, "weights_t_first") - 1) for row in own]
        lines.append([
            target.strip("[]'").removeprefix("is_"), ", ".join(firsts), mean_ratio(own), own[0]["drive_first"], own[0]["utility_first"],
            f"{number(own[0], 'utility_hidden'):.2f}", names([{"first": row["weights_first"]} for row in own]), f"{100 * max(gap):.0f} %",
        ])
    clear = [row for row in rows if number(row, "ratio") and number(row, "ratio") > 1.05]
    header = ["digit", "first, of 3 seeds", "ratio", r"larger \|S_yx\|", "larger utility", "hidden", "from the weights", "t_first off by"]
    right = {key: share(row["first"] == row[key] for row in clear) for key in ("drive_first", "utility_first", "weights_first")}
    return (
        f"{table(header, lines)}\n\n"
        f"Of the {len(clear)} runs whose times differ by more than 5 % the half of the larger |S_yx| is first in {right['drive_first']}, the one of"
        f" the larger utility in {right['utility_first']}, and the one that the weights predict in {right['weights_first']}."
    )


if __name__ == "__main__":
    fill(PAGE, {"classes": classes()})
