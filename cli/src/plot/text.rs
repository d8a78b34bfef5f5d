//! Text with subscripts and superscripts, measured and laid out.
//!
//! The markup is what the rest of the program writes anyway: `M_A`, `t_B`, `W_A^tot`, `10^5`,
//! `L(M_*)`. A subscript needs a single letter before it, so that `late_fusion` stays as it is;
//! braces hold together what is not one word (`M_{video-1}`) and `\_` is a plain underscore.
//! Letters that stand for quantities are slanted.

use std::sync::LazyLock;

use super::geometry::{Point, Rect};
use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont};

/// Where a piece of text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Base,
    Sub,
    Sup,
}

/// A stretch of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) slanted: bool,
    pub(super) script: Script,
}

/// Splits marked-up text into pieces.
pub(super) fn parse(markup: &str) -> Vec<Piece> {
    let chars: Vec<char> = markup.chars().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c == '\\' && matches!(chars.get(at + 1), Some('_' | '^' | '\\')) {
            push(&mut pieces, chars[at + 1], false);
            at += 2;
        } else if let Some((script, group, next)) = read_script(&chars, at, pieces.last()) {
            if script == Script::Sub {
                slant_base(&mut pieces);
            }
            pieces.push(script_piece(group, script));
            at = next;
        } else {
            push(&mut pieces, c, is_quantity(&chars, at));
            at += 1;
        }
    }
    pieces
}

/// Adds a base character, to the last piece where the style is the same.
fn push(pieces: &mut Vec<Piece>, c: char, slanted: bool) {
    match pieces.last_mut() {
        Some(last) if last.script == Script::Base && last.slanted == slanted => last.text.push(c),
        _ => pieces.push(Piece {
            text: c.to_string(),
            slanted,
            script: Script::Base,
        }),
    }
}

/// The script that starts at `at`, its text, and where reading goes on.
fn read_script(
    chars: &[char],
    at: usize,
    before: Option<&Piece>,
) -> Option<(Script, String, usize)> {
    let script = match chars[at] {
        '_' => Script::Sub,
        '^' => Script::Sup,
        _ => return None,
    };
    let before = before?;
    let allowed = match before.script {
        // x_a^b and x^b_a, but not x_a_b.
        Script::Sub | Script::Sup => before.script != script,
        Script::Base => {
            let last = at.checked_sub(1).and_then(|i| chars.get(i))?;
            let second = at.checked_sub(2).and_then(|i| chars.get(i));
            let single = last.is_alphabetic() && !second.is_some_and(|c| is_word(*c));
            single || (script == Script::Sup && (last.is_alphanumeric() || *last == ')'))
        }
    };
    if !allowed {
        return None;
    }
    let (group, next) = read_group(chars, at + 1)?;
    Some((script, group, next))
}

/// A braced group, an asterisk, or a word with an optional minus sign.
fn read_group(chars: &[char], start: usize) -> Option<(String, usize)> {
    if chars.get(start) == Some(&'{') {
        let close = start + chars[start..].iter().position(|c| *c == '}')?;
        return Some((chars[start + 1..close].iter().collect(), close + 1));
    }
    if chars.get(start) == Some(&'*') {
        return Some(("*".to_owned(), start + 1));
    }
    let word = start + usize::from(chars.get(start) == Some(&'-'));
    let length = chars[word..].iter().take_while(|c| is_word(**c)).count();
    (length > 0).then(|| (chars[start..word + length].iter().collect(), word + length))
}

/// Letters, digits and the underscore, of which names are made, and the ellipsis that ends
/// shortened ones.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '…')
}

/// Slants the letter that has just got a subscript.
fn slant_base(pieces: &mut Vec<Piece>) {
    let Some(last) = pieces.last_mut() else {
        return;
    };
    if last.script == Script::Base
        && !last.slanted
        && let Some(letter) = last.text.pop()
    {
        if last.text.is_empty() {
            pieces.pop();
        }
        push(pieces, letter, true);
    }
}

/// Single letters are slanted, words and numbers upright; the asterisk becomes the operator,
/// which stands at mid height.
fn script_piece(group: String, script: Script) -> Piece {
    let mut letters = group.chars();
    let slanted = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    let text = match group.strip_prefix('-') {
        Some(number) => format!("\u{2212}{number}"),
        None => group.replace('*', "\u{2217}"),
    };
    Piece {
        text,
        slanted,
        script,
    }
}

/// Whether the letter at `at` stands alone for a quantity: a small Greek one, or one followed
/// by an equals sign, a bracket or a fraction's bar, or behind that bar.
fn is_quantity(chars: &[char], at: usize) -> bool {
    let alone = chars[at].is_alphabetic()
        && !at.checked_sub(1).is_some_and(|i| is_word(chars[i]))
        && !chars.get(at + 1).is_some_and(|c| is_word(*c));
    let next = chars[at + 1..].iter().find(|c| **c != ' ');
    let before = at.checked_sub(1).map(|i| chars[i]);
    let is_in_formula = matches!(next, Some('=' | '(' | '/')) || before == Some('/');
    alone && (('α'..='ω').contains(&chars[at]) || is_in_formula)
}

/// A piece with its place: `x` from the line's start, `rise` downwards from its baseline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) slanted: bool,
    pub(super) size: f64,
    pub(super) x: f64,
    pub(super) rise: f64,
}

/// One line of text, laid out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
    pub(super) width: f64,
    pub(super) size: f64,
}

impl Line {
    /// From the baseline up to the top of capitals.
    pub(super) fn ascent(&self) -> f64 {
        0.74 * self.size
    }

    /// From the baseline down to the foot of subscripts and descenders.
    pub(super) fn descent(&self) -> f64 {
        0.24 * self.size
    }

    /// Its box where it is written from `at`, the start of its baseline.
    pub(super) fn rect(&self, at: Point) -> Rect {
        let height = self.ascent() + self.descent();
        Rect::at(at.0, at.1 - self.ascent(), self.width, height)
    }
}

/// The two faces of the figures, upright and slanted DejaVu Sans, embedded so that every machine
/// draws the same; read when they are first needed.
static FACES: LazyLock<Result<[FontRef<'static>; 2], String>> = LazyLock::new(|| {
    let read = |bytes| FontRef::try_from_slice(bytes).map_err(|error| error.to_string());
    Ok([
        read(dejavu::sans::regular())?,
        read(dejavu::sans::oblique())?,
    ])
});

/// The faces can be read; without them texts have no glyphs.
pub(super) fn ensure_faces() -> Result<(), String> {
    FACES.as_ref().map(|_| ()).map_err(String::clone)
}

/// Calls `draw` with every glyph of the text, set in `size` units an em, and its pen
/// position; returns the text's width.
pub(super) fn glyphs(
    text: &str,
    slanted: bool,
    size: f64,
    mut draw: impl FnMut(&FontRef<'static>, GlyphId, f64),
) -> f64 {
    let Ok(faces) = &*FACES else { return 0.0 };
    let face = &faces[usize::from(slanted)];
    let em = f64::from(face.units_per_em().unwrap_or(2048.0));
    // ab_glyph scales by ascent minus descent, typographers by the em.
    let scale = PxScale::from((size * f64::from(face.height_unscaled()) / em) as f32);
    let scaled = face.as_scaled(scale);
    let mut pen = 0.0;
    let mut before = None;
    for c in text.chars() {
        let glyph = face.glyph_id(c);
        if let Some(previous) = before {
            pen += f64::from(scaled.kern(previous, glyph));
        }
        draw(face, glyph, pen);
        pen += f64::from(scaled.h_advance(glyph));
        before = Some(glyph);
    }
    pen
}

/// Lays out one line of marked-up text. A superscript stands above a subscript of the same
/// letter.
pub(super) fn line_of(markup: &str, size: f64) -> Line {
    let mut runs = Vec::new();
    let (mut pen, mut script_start) = (0.0_f64, 0.0);
    for piece in parse(markup) {
        let (scale, rise, x) = match piece.script {
            Script::Base => (1.0, 0.0, pen),
            Script::Sub => (0.7, 0.2, script_start),
            Script::Sup => (0.7, -0.38, script_start),
        };
        let run = Run {
            slanted: piece.slanted,
            size: scale * size,
            x,
            rise: rise * size,
            text: piece.text,
        };
        let end = x + glyphs(&run.text, run.slanted, run.size, |_, _, _| {});
        match piece.script {
            Script::Base => (pen, script_start) = (end, end),
            Script::Sub | Script::Sup => pen = pen.max(end + 0.06 * size),
        }
        runs.push(run);
    }
    Line {
        runs,
        width: pen,
        size,
    }
}
