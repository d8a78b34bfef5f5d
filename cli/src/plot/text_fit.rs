//! Text made to fit: names shortened, titles wrapped.

use super::text::{Line, line_of};

/// The line, with its longest names shortened by an ellipsis until it is no wider than `room`.
/// What surrounds a name stays: `W_{a long na…}^tot`. Where that is not enough, the end is cut.
pub(super) fn shortened(markup: &str, size: f64, room: f64) -> Line {
    let mut text = markup.to_owned();
    let mut line = line_of(&text, size);
    while line.width > room {
        let Some(next) = cut_longest_name(&text) else {
            // Too many words rather than too long ones.
            return cut(markup, size, room, 1).pop().unwrap_or(line);
        };
        text = next;
        line = line_of(&text, size);
    }
    line
}

/// The text with a letter in the middle of its longest name replaced by an ellipsis, since names
/// often differ in their last letters only; none when every name is down to a letter.
fn cut_longest_name(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut start, mut best) = (0, 0..0);
    for end in 0..=chars.len() {
        let inside = chars
            .get(end)
            .is_some_and(|c| !" ^{}()|‖=,:;/".contains(*c));
        if !inside {
            if end - start > best.len() {
                best = start..end;
            }
            start = end + 1;
        }
    }
    let name = &chars[best.clone()];
    let (mut head, tail) = match name.iter().position(|c| *c == '…') {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => name.split_at(name.len() / 2),
    };
    let tail = if tail.len() >= head.len() {
        tail.get(1..)?
    } else {
        head = &head[..head.len() - 1];
        tail
    };
    // Neither half an escape nor a script's mark stands before the ellipsis.
    while let Some((_, rest)) = head.split_last().filter(|(c, _)| "\\_".contains(**c)) {
        head = rest;
    }
    let parts = [&chars[..best.start], head, &['…'], tail, &chars[best.end..]];
    (!head.is_empty()).then(|| parts.concat().into_iter().collect())
}

/// A title in at most `rows` lines: wrapped, then set smaller, then cut.
pub(super) fn wrapped(markup: &str, size: f64, room: f64, rows: usize) -> Vec<Line> {
    let smallest = 0.7 * size;
    let mut now = size;
    loop {
        let lines = wrap(markup, now, room);
        if lines.len() <= rows && lines.iter().all(|line| line.width <= room) {
            return lines;
        }
        if now <= smallest {
            return cut(markup, now, room, rows);
        }
        now -= 0.05 * size;
    }
}

/// The words of the text, filled into lines.
fn wrap(markup: &str, size: f64, room: f64) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut text = String::new();
    for word in markup.split_whitespace() {
        let longer = if text.is_empty() {
            word.to_owned()
        } else {
            format!("{text} {word}")
        };
        if !text.is_empty() && line_of(&longer, size).width > room {
            lines.push(line_of(&text, size));
            text = word.to_owned();
        } else {
            text = longer;
        }
    }
    if !text.is_empty() {
        lines.push(line_of(&text, size));
    }
    lines
}

/// As much of the text as fits into `rows` lines, with an ellipsis at the end.
fn cut(markup: &str, size: f64, room: f64, rows: usize) -> Vec<Line> {
    let mut chars: Vec<char> = markup.chars().collect();
    // Words wider than a line are broken, as nothing else makes them fit.
    let fitted = |chars: &[char]| {
        let text: String = chars.iter().collect();
        let lines = wrap(&format!("{}…", text.trim_end()), size, room);
        let fits = lines.len() <= rows && lines.iter().all(|line| line.width <= room);
        fits.then_some(lines)
    };
    // By halves first: a text may be a hundred times too long.
    while chars.len() > 1 && fitted(&chars[..chars.len() / 2]).is_none() {
        chars.truncate(chars.len() / 2);
    }
    while chars.pop().is_some() {
        if let Some(lines) = fitted(&chars) {
            return lines;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::text::{Piece, Script, parse};
    use super::*;

    fn piece(text: &str, slanted: bool, script: Script) -> Piece {
        Piece {
            text: text.to_owned(),
            slanted,
            script,
        }
    }

    #[test]
    fn letters_take_scripts() {
        let expected = vec![
            piece("‖", false, Script::Base),
            piece("W", true, Script::Base),
            piece("A", true, Script::Sub),
            piece("tot", false, Script::Sup),
            piece("‖", false, Script::Base),
        ];
        assert_eq!(parse("‖W_A^tot‖"), expected);
    }

    #[test]
    fn words_keep_their_underscores() {
        let expected = vec![piece("late_fusion: x", false, Script::Base)];
        assert_eq!(parse("late_fusion: x"), expected);
        assert_eq!(parse("a\\_b"), vec![piece("a_b", false, Script::Base)]);
    }

    #[test]
    fn powers_of_ten_and_stars() {
        let power = vec![
            piece("10", false, Script::Base),
            piece("\u{2212}5", false, Script::Sup),
        ];
        assert_eq!(parse("10^-5"), power);
        assert_eq!(parse("M_*")[1].text, "\u{2217}");
        assert_eq!(parse("M_{a b}")[1].text, "a b");
    }

    #[test]
    fn quantities_are_slanted() {
        assert!(parse("ρ")[0].slanted);
        assert!(parse("L = 2")[0].slanted);
        let slanted = parse("units of y/x")
            .into_iter()
            .filter(|piece| piece.slanted);
        let slanted: Vec<String> = slanted.map(|piece| piece.text).collect();
        assert_eq!(slanted, ["y", "x"]);
        assert!(!parse("A alone")[0].slanted);
    }

    #[test]
    fn broken_markup_is_taken_literally() {
        for text in ["M_", "_A", "^", "M_{A", "", "10_"] {
            let joined: String = parse(text).into_iter().map(|p| p.text).collect();
            assert_eq!(joined, text);
        }
    }

    #[test]
    fn scripts_stand_above_each_other() {
        let line = line_of("W_A^tot", 10.0);
        assert_eq!(line.runs[1].x, line.runs[2].x);
        assert!(line.runs[1].rise > 0.0 && line.runs[2].rise < 0.0);
        assert!(line.runs[1].size < line.runs[0].size);
    }

    #[test]
    fn long_names_are_shortened_and_scripts_kept() {
        let line = shortened("‖W_{averyverylongname}^tot‖", 10.0, 60.0);
        let text: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        assert!(line.width <= 60.0, "{}", line.width);
        assert!(text.contains('…') && text.contains("tot"), "{text}");
        let line = shortened("M_averyverylongname", 10.0, 40.0);
        assert_eq!(line.runs.len(), 2, "{line:?}");
    }

    #[test]
    fn shortened_names_keep_both_ends() {
        let line = shortened("sensor_number_17 final", 10.0, 80.0);
        let text: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        assert!(
            text.starts_with("sens") && text.ends_with("17 final"),
            "{text}"
        );
        assert!(text.contains('…'));
        assert!(shortened("abc de", 10.0, 0.0).width > 0.0);
    }

    #[test]
    fn lines_of_too_many_words_lose_their_end() {
        let line = shortened(&"ab cd ".repeat(20), 10.0, 60.0);
        let text: String = line.runs.iter().map(|run| run.text.as_str()).collect();
        assert!(line.width <= 60.0 && text.starts_with("ab cd"), "{text}");
    }

    #[test]
    fn titles_are_wrapped_then_cut() {
        let two = wrapped("some words that need two lines", 10.0, 110.0, 2);
        assert_eq!(two.len(), 2);
        let cut = wrapped(&"word ".repeat(80), 10.0, 110.0, 2);
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|line| line.width <= 110.0));
        assert!(wrapped("", 10.0, 110.0, 2).is_empty());
    }
}
