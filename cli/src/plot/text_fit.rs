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
    let names = text.split(|c| " ^{}()|‖=,:;/".contains(c)).rev();
    let name = names.max_by_key(|name| name.chars().count())?;
    let letters: Vec<char> = name.chars().filter(|c| *c != '…').collect();
    let kept = letters.len().checked_sub(1)?;
    let (head, tail) = letters.split_at(kept.div_ceil(2));
    let tail: String = tail[tail.len() - kept / 2..].iter().collect();
    // Neither half an escape nor a script's mark stands before the ellipsis.
    let head: String = head.iter().collect();
    let head = head.trim_end_matches(['\\', '_']);
    (!head.is_empty()).then(|| text.replacen(name, &format!("{head}…{tail}"), 1))
}

/// A title in at most two lines: wrapped, then set smaller, then cut.
pub(super) fn wrapped(markup: &str, size: f64, room: f64) -> Vec<Line> {
    const ROWS: usize = 2;
    let smallest = 0.7 * size;
    let mut now = size;
    loop {
        let lines = wrap(markup, now, room);
        if fits(&lines, room, ROWS) {
            return lines;
        }
        if now <= smallest {
            return cut(markup, now, room, ROWS);
        }
        now -= 0.05 * size;
    }
}

/// The words of the text, filled into lines; what an equals sign joins stays together.
fn wrap(markup: &str, size: f64, room: f64) -> Vec<Line> {
    const NO_BREAK: char = '\u{a0}';
    let mut lines: Vec<(String, Line)> = Vec::new();
    let joined = markup.replace(" = ", &format!("{NO_BREAK}={NO_BREAK}"));
    let words = joined.split(|c: char| c.is_whitespace() && c != NO_BREAK);
    for word in words.filter(|word| !word.is_empty()) {
        let word = &word.replace(NO_BREAK, " ");
        if let Some((text, line)) = lines.last_mut() {
            let longer = format!("{text} {word}");
            let longer_line = line_of(&longer, size);
            if longer_line.width <= room {
                (*text, *line) = (longer, longer_line);
                continue;
            }
        }
        lines.push((word.clone(), line_of(word, size)));
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Whether lines are few and short enough.
fn fits(lines: &[Line], room: f64, rows: usize) -> bool {
    lines.len() <= rows && lines.iter().all(|line| line.width <= room)
}

/// As much of the text as fits into `rows` lines, with an ellipsis at the end: whole words, or where not even
/// one of them fits, letters.
fn cut(markup: &str, size: f64, room: f64, rows: usize) -> Vec<Line> {
    let letters: Vec<usize> = markup.char_indices().map(|(end, _)| end).collect();
    let words: Vec<usize> = markup.match_indices(' ').map(|(end, _)| end).collect();
    let lines = |end: usize| wrap(&format!("{}…", markup[..end].trim_end()), size, room);
    let most = |ends: &[usize]| {
        let count = ends.partition_point(|end| fits(&lines(*end), room, rows));
        count.checked_sub(1).map(|last| ends[last])
    };
    let end = most(&words).filter(|end| !markup[..*end].trim().is_empty());
    end.or_else(|| most(&letters)).map_or(Vec::new(), lines)
}

#[cfg(test)]
mod tests {
    use super::super::text::parse;
    use super::*;

    /// The pieces of a markup, slanted ones in `/`, scripts behind `_` and `^`.
    fn pieces(markup: &str) -> String {
        let shown = parse(markup).into_iter().map(|piece| {
            let text = match piece.slanted {
                true => format!("/{}/", piece.text),
                false => piece.text,
            };
            format!("{}{text}", ["", "_", "^"][piece.script as usize])
        });
        shown.collect::<Vec<_>>().join("·")
    }

    #[test]
    fn letters_take_scripts_and_words_keep_their_underscores() {
        let cases = [
            ("‖W_A^tot‖", "‖·/W/·_/A/·^tot·‖"),
            ("late_fusion: x", "late_fusion: x"),
            ("a\\_b", "a_b"),
            ("10^-5", "10·^\u{2212}5"),
            ("M_*", "/M/·_\u{2217}"),
            ("M_{a b}", "/M/·_a b"),
            // Letters that stand for quantities, and one that does not.
            ("ρ", "/ρ/"),
            ("L = 2", "/L/· = 2"),
            ("units of y/x", "units of ·/y/·/·/x/"),
            ("A alone", "A alone"),
            ("alone: x", "alone: x"),
        ];
        for (markup, expected) in cases {
            assert_eq!(pieces(markup), expected, "{markup}");
        }
        for broken in ["M_", "_A", "^", "M_{A", "", "10_"] {
            let texts = parse(broken).into_iter().map(|piece| piece.text);
            assert_eq!(texts.collect::<String>(), broken);
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
    fn lines_are_shortened_where_it_loses_least() {
        let short = |markup: &str, room| {
            let line = shortened(markup, 10.0, room);
            assert!(line.width <= room, "{}", line.width);
            let texts = line.runs.iter().map(|run| run.text.as_str());
            texts.collect::<Vec<_>>().join("·")
        };
        // Names keep their scripts and both their ends.
        let norm = short("‖W_{averyverylongname}^tot‖", 60.0);
        assert!(norm.contains('…') && norm.ends_with("tot·‖"), "{norm}");
        let saddle = short("M_averyverylongname", 40.0);
        assert_eq!(saddle.matches('·').count(), 1, "{saddle}");
        let name = short("sensor_number_17 final", 80.0);
        let ends = name.starts_with("sens") && name.ends_with("17 final");
        assert!(ends && name.contains('…'), "{name}");
        // Lines of too many words lose their end.
        assert!(short(&"ab cd ".repeat(20), 60.0).starts_with("ab cd"));
        assert!(shortened("abc de", 10.0, 0.0).width > 0.0);
    }

    #[test]
    fn titles_are_wrapped_then_cut() {
        let two = wrapped("some words that need two lines", 10.0, 110.0);
        assert_eq!(two.len(), 2);
        let cut = wrapped(&"word ".repeat(80), 10.0, 110.0);
        assert_eq!(cut.len(), 2);
        assert!(cut.iter().all(|line| line.width <= 110.0));
        assert!(wrapped("", 10.0, 110.0).is_empty());
        let text = |line: &Line| {
            line.runs
                .iter()
                .map(|run| run.text.as_str())
                .collect::<String>()
        };
        assert!(
            cut.iter()
                .all(|line| text(line).trim_end_matches('…').ends_with("word"))
        );
        let long = wrapped(&"w".repeat(300), 10.0, 110.0);
        assert!(long.len() == 1 && text(&long[0]).ends_with("w…"));
        // An assignment stays whole.
        let lines = wrapped("some words, L = 2", 10.0, 90.0);
        assert_eq!(
            lines.iter().map(text).collect::<Vec<_>>(),
            ["some words,", "L = 2"]
        );
    }
}
